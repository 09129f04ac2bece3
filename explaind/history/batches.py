"""Batches that remember which samples they hold."""

from collections.abc import Callable, Iterator, Mapping, Sized
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Int, UInt8
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset, default_collate

from explaind.errors import UnsupportedError
from explaind.history.checksums import (
    UNSEEN,
    check_sample_first,
    check_tensors,
    has_row_for_each,
    whole_checksum,
)
from explaind.history.random_state import CPU, Draws, generator_state, replayed
from explaind.trees import Augmentation, Data, Inputs, Targets, leaves, map_tensors
from explaind.uncollated import Uncollated

LABELS = "labels"
"""Key of the targets in a batch that is a mapping, as Hugging Face makes them."""

Collate = Callable[[list[Any]], Any]
"""Makes a batch of items of a dataset."""


@dataclass(frozen=True)
class Batch:
    """One batch of training samples.

    Attributes:
        x: inputs, first dimension the batch, unless samples are given apart.
        y: targets, likewise.
        index: position of each sample in the training set.
        checksums: that of each sample alone, where the rows of a batch depend on the other rows
            (they are padded, say) or are drawn at random; None = the rows are the samples.
        draws: state of the generators before what made the batch drew from them.
        apart: inputs and targets that can be cut, where those of the batch hold the rows of its
            samples one after the other; None = they are cut along the first dimension.
    """

    x: Inputs
    y: Targets
    index: Int[Tensor, " batch"]
    checksums: Int[np.ndarray, " batch"] | None = None
    draws: Draws = field(default_factory=dict)
    apart: tuple[Uncollated, Uncollated] | None = None

    @property
    def samples(self) -> tuple[Inputs, Targets]:
        """Inputs and targets that can be cut into samples."""
        return (self.x, self.y) if self.apart is None else self.apart

    def to(self, device: torch.device | str, non_blocking: bool = False) -> "Batch":
        """Return the batch with inputs and targets on a device, as Lightning asks for it.

        Args:
            device: the device.
            non_blocking: whether the program goes on while they are copied.

        Returns:
            The batch.
        """

        def moved(leaf: Tensor) -> Tensor:
            return leaf.to(device, non_blocking=non_blocking)

        return replace(self, x=map_tensors(moved, self.x), y=map_tensors(moved, self.y))

    def augmented(self, augment: Augmentation, step: int, device: torch.device) -> "Batch":
        """Return the batch as a step sees it, with the state of what its augmentation draws.

        Args:
            augment: the augmentation.
            step: the step.
            device: where it draws.

        Returns:
            The batch.

        Raises:
            UnsupportedError: if its inputs cannot be cut into samples.
        """
        if self.apart is not None:
            raise UnsupportedError(
                "augment: expected a row of the inputs for each sample, got batches that hold"
                " several rows of each. Augment the samples in the dataset."
            )
        state = generator_state(device)
        x = augment(self.x, self.index, step)
        drawn = not torch.equal(state, generator_state(device))
        return replace(self, x=x, draws={**self.draws, "augment": state} if drawn else self.draws)


def inputs_and_targets(batch: object) -> tuple[Inputs, Targets]:
    """Return what the model and what the loss is given of a batch.

    Args:
        batch: `(x, y)`; or a mapping, which is `x` as a whole, and its `labels`, if any, are `y`;
            or `x` alone, a tensor or the only element of a tuple, which is its own target, as that
            of an autoencoder.

    Returns:
        Inputs and targets.

    Raises:
        UnsupportedError: if the batch is something else.
    """
    if isinstance(batch, Mapping):
        return dict(batch), batch.get(LABELS, ())
    if isinstance(batch, (tuple, list)) and len(batch) == 1:
        batch = batch[0]
    if isinstance(batch, Tensor):
        return batch, batch
    if isinstance(batch, (tuple, list)) and len(batch) == 2:
        return batch[0], batch[1]
    length = len(batch) if isinstance(batch, Sized) else "unknown"
    raise UnsupportedError(
        f"Expected batches (x, y), x alone or mappings, got {type(batch).__name__} of length"
        f" {length}. Give the dataset a __getitem__ that returns (x, y), or the loader a"
        " collate_fn."
    )


def samples_apart(items: list[Any], collate: Collate) -> tuple[Uncollated, Uncollated]:
    """Return inputs and targets of items that are collated when they are needed."""
    return (
        Uncollated(items, lambda some: inputs_and_targets(collate(some))[0]),
        Uncollated(items, lambda some: inputs_and_targets(collate(some))[1]),
    )


def samples_of(items: list[Any], collate: Collate, concatenated: bool) -> tuple[Inputs, Targets]:
    """Return inputs and targets of items, which can be cut into samples.

    Args:
        items: items of a dataset.
        collate: makes a batch of them.
        concatenated: whether it puts the rows of the samples one after the other.

    Returns:
        The batch; samples apart if it cannot be cut.
    """
    return samples_apart(items, collate) if concatenated else inputs_and_targets(collate(items))


def check_collate(items: list[Any], collate: Collate) -> None:
    """Refuse a random collate function, which would draw otherwise for some of the items.

    Args:
        items: items whose batch cannot be cut into samples.
        collate: makes it.

    Raises:
        UnsupportedError: if it draws.
    """
    state = generator_state(CPU)
    with replayed(state, CPU):
        collate(items)
        drawn = not torch.equal(state, generator_state(CPU))
    if drawn:
        raise UnsupportedError(
            "The collate_fn draws random numbers, and its batches hold several rows of each"
            " sample. Expected those to be drawn by the items of the dataset."
        )


class Alone:
    """Items of a dataset, each in a batch of its own.

    Args:
        items: the items.
        collate: makes batches of them. One with values that are no tensors is refused
            (`UnsupportedError`).
    """

    def __init__(self, items: list[Any], collate: Collate) -> None:
        self._batches = [inputs_and_targets(collate([item])) for item in items]
        for one in self._batches:
            check_tensors(*one)

    def checksums(self) -> Int[np.ndarray, " item"]:
        """Return the checksum of each item."""
        return np.array([whole_checksum(*one) for one in self._batches], dtype=np.int64)

    def are_rows_of(self, x: Inputs, y: Targets, random: bool) -> bool:
        """Return whether a batch of all of them can be cut into them along the first dimension.

        Args:
            x: inputs of the batch.
            y: its targets.
            random: whether what was drawn for it differs from what was drawn for each alone.

        Returns:
            Whether it has one row for each, which is that of the item alone: unless it is padded.
        """
        single = all(has_row_for_each(*one, 1) for one in self._batches)
        if not (single and has_row_for_each(x, y, len(self._batches))):
            return False
        return random or all(
            leaf[place : place + 1].shape != own.shape
            or whole_checksum(leaf[place : place + 1], ()) == whole_checksum(own, ())
            for place, one in enumerate(self._batches)
            for leaf, own in zip(leaves((x, y)), leaves(one), strict=True)
        )


class Items(NamedTuple):
    """Items of a dataset that a batch is made of.

    Attributes:
        indices: their positions.
        items: the items.
        state: state of the generator before they were read.
    """

    indices: list[int]
    items: list[Any]
    state: UInt8[Tensor, " byte"]


class IndexedDataset(Dataset):  # type: ignore[type-arg]
    """A map-style dataset that returns the items of a batch with their indices.

    The wrapped dataset is not changed.

    Args:
        dataset: the dataset of `(x, y)` items.
    """

    def __init__(self, dataset: Data) -> None:
        self.dataset = dataset

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitems__(self, index: list[int]) -> Items:
        """Return the items of a batch, as loaders of torch ask for them."""
        state = generator_state(CPU)
        return Items(list(index), [self.dataset[i] for i in index], state)


class IndexedCollate:
    """Collates the indices beside what the loader's own collate function makes of the items.

    Args:
        collate: the loader's collate function.
    """

    def __init__(self, collate: Collate | None) -> None:
        self.collate = collate or default_collate

    def __call__(self, read: Items) -> dict[str, Any]:
        """Return the fields of a `Batch`, as a dict, which the loader can pin.

        Args:
            read: the items.

        Returns:
            The fields, the items in place of the samples apart: a worker process may not be able
            to send a function.
        """
        x, y = inputs_and_targets(self.collate(read.items))
        after = generator_state(CPU)
        fields = {"x": x, "y": y, "index": torch.tensor(read.indices), "apart": None}
        random = not torch.equal(read.state, after)  # another sample every time
        if random:
            fields |= {"checksums": np.full(len(read.items), UNSEEN), "draws": {"data": read.state}}
        if self.collate is default_collate:
            check_sample_first(x, y, len(read.items))
            return fields
        with replayed(after, CPU):
            alone = Alone(read.items, self.collate)
        if not random:
            fields["checksums"] = alone.checksums()
        if alone.are_rows_of(x, y, random):
            return fields
        check_collate(read.items, self.collate)
        return {**fields, "apart": read.items}


def indexed_batches(loader: DataLoader) -> Iterator[Batch]:  # type: ignore[type-arg]
    """Iterate over a loader once, with the dataset index of every sample.

    Args:
        loader: a `DataLoader` over a map-style dataset of `(x, y)` items, with any sampler.

    Yields:
        The batches in the loader's own order.
    """
    check_indexed(loader)
    indexed: DataLoader[Any] = DataLoader(
        IndexedDataset(loader.dataset),
        batch_sampler=loader.batch_sampler,
        collate_fn=IndexedCollate(loader.collate_fn),  # type: ignore[arg-type]
        num_workers=loader.num_workers,
        pin_memory=loader.pin_memory,
        worker_init_fn=loader.worker_init_fn,
        generator=loader.generator,
    )
    for number, fields in enumerate(indexed):
        batch = batch_of(fields, loader.collate_fn)
        if number == 0:
            check_item(loader.dataset, int(batch.index[0]), loader.collate_fn)
        yield batch


def batch_of(fields: dict[str, Any], collate: Collate) -> Batch:
    """Return the batch with the fields that `IndexedCollate` returns."""
    items = fields["apart"]
    return Batch(**fields | {"apart": None if items is None else samples_apart(items, collate)})


def check_indexed(loader: DataLoader) -> None:  # type: ignore[type-arg]
    """Refuse a loader whose samples have no index.

    Args:
        loader: the loader.

    Raises:
        UnsupportedError: for an iterable dataset.
    """
    if loader.batch_sampler is None or isinstance(loader.dataset, IterableDataset):
        raise UnsupportedError(
            "The loader has no batch sampler (an iterable dataset, or batch_size=None). Expected a"
            " DataLoader over a map-style dataset: samples without an index cannot be credited."
        )


def check_item(dataset: Data, index: int, collate: Collate) -> None:
    """Refuse a dataset with another item when it is asked for again, torch's numbers put back.

    Args:
        dataset: the dataset.
        index: position of an item.
        collate: makes a batch of items.

    Raises:
        UnsupportedError: naming what may draw otherwise.
    """
    state = generator_state(CPU)
    with replayed(state, CPU):
        first = Alone([dataset[index]], collate).checksums()
    with replayed(state, CPU):
        again = Alone([dataset[index]], collate).checksums()
    if not np.array_equal(first, again):
        raise UnsupportedError(
            f"Sample {index} of the dataset is another one when it is asked for again, with the"
            " same random numbers of torch. Expected random transforms to draw from torch's own"
            " generator (not from numpy, random or a generator of their own), or an augmentation"
            " given as augment=."
        )
