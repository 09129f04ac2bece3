"""Batches that remember which samples they hold."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Int, UInt8
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset, default_collate

from explaind.errors import UnsupportedError
from explaind.history.checksums import UNSEEN, check_sample_first, sample_checksums
from explaind.history.random_state import CPU, Draws, generator_state, replayed
from explaind.trees import Augmentation, Inputs, Targets

LABELS = "labels"
"""Key of the targets in a batch that is a mapping, as Hugging Face makes them."""

Collate = Callable[[list[Any]], Any]
"""Makes a batch of items of a dataset."""


@dataclass(frozen=True)
class Batch:
    """One batch of training samples.

    Attributes:
        x: inputs, first dimension the batch.
        y: targets, first dimension the batch.
        index: position of each sample in the training set.
        checksums: that of each sample alone, where the rows of a batch depend on the other rows
            (they are padded, say) or are drawn at random; None = the rows are the samples.
        draws: state of the generators before what made the batch drew from them.
    """

    x: Inputs
    y: Targets
    index: Int[Tensor, " batch"]
    checksums: Int[np.ndarray, " batch"] | None = None
    draws: Draws = field(default_factory=dict)

    def augmented(self, augment: Augmentation, step: int, device: torch.device) -> "Batch":
        """Return the batch as a step sees it, with the state of what its augmentation draws."""
        state = generator_state(device)
        x = augment(self.x, self.index, step)
        drawn = not torch.equal(state, generator_state(device))
        return replace(self, x=x, draws={**self.draws, "augment": state} if drawn else self.draws)


def inputs_and_targets(batch: Any) -> tuple[Inputs, Targets]:
    """Return what the model and what the loss is given of a batch.

    Args:
        batch: `(x, y)`; or a mapping, which is `x` as a whole, and its `labels`, if any, are `y`.

    Returns:
        Inputs and targets.

    Raises:
        UnsupportedError: if the batch is something else.
    """
    if isinstance(batch, Mapping):
        return dict(batch), batch.get(LABELS, ())
    if isinstance(batch, (tuple, list)) and len(batch) == 2:
        return batch[0], batch[1]
    length = len(batch) if hasattr(batch, "__len__") else "unknown"
    raise UnsupportedError(
        f"Expected batches (x, y) or mappings, got {type(batch).__name__} of length {length}."
        " Give the dataset a __getitem__ that returns (x, y), or the loader a collate_fn."
    )


def own_checksums(items: list[Any], collate: Collate) -> Int[np.ndarray, " item"]:
    """Return the checksum of each item in a batch of its own."""
    alone = [inputs_and_targets(collate([item])) for item in items]
    for x, y in alone:
        check_sample_first(x, y, 1)
    return np.concatenate([sample_checksums(x, y) for x, y in alone])


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

    def __init__(self, dataset: Any) -> None:
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

    def __call__(
        self, read: Items
    ) -> tuple[Inputs, Targets, Tensor, np.ndarray | None, dict[str, Tensor]]:
        """Return the fields of a `Batch`, as a tuple, which the loader can pin."""
        x, y = inputs_and_targets(self.collate(read.items))
        index = torch.tensor(read.indices)
        if not torch.equal(read.state, generator_state(CPU)):  # another sample every time
            return x, y, index, np.full(len(index), UNSEEN), {"data": read.state}
        check_sample_first(x, y, len(index))
        plain = self.collate is default_collate
        return x, y, index, None if plain else own_checksums(read.items, self.collate), {}


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
        batch = Batch(*fields)
        if number == 0:
            check_item(loader.dataset, int(batch.index[0]), loader.collate_fn)
        yield batch


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


def check_item(dataset: Any, index: int, collate: Collate) -> None:
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
        first = own_checksums([dataset[index]], collate)
    with replayed(state, CPU):
        again = own_checksums([dataset[index]], collate)
    if not np.array_equal(first, again):
        raise UnsupportedError(
            f"Sample {index} of the dataset is another one when it is asked for again, with the"
            " same random numbers of torch. Expected random transforms to draw from torch's own"
            " generator (not from numpy, random or a generator of their own), or an augmentation"
            " given as augment=."
        )
