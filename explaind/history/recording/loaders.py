"""What a loop draws its batches from: loaders of torch, and others that are left as they are.

A loader that has begun, or that does more than the one of torch (Accelerate's, Lightning's), stays
as it is. Its sampler is watched: which samples a batch holds, and where its transforms drew from.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor
from torch.utils.data import DataLoader, default_collate
from torch.utils.data.dataloader import _BaseDataLoaderIter

from explaind.errors import RecordingError, UnsupportedError
from explaind.history.batches import (
    Alone,
    Batch,
    Collate,
    check_collate,
    check_indexed,
    check_item,
    indexed_batches,
    inputs_and_targets,
    samples_apart,
)
from explaind.history.checksums import UNSEEN, whole_checksum
from explaind.history.random_state import CPU, generator_state, replayed
from explaind.trees import Data, Inputs, Targets, batch_size

INNER = "base_dataloader"
"""Attribute of a loader of Accelerate: the loader of torch that it draws from."""


def draw(loader: Data) -> Iterator[Batch]:
    """Iterate once over what a loop draws its batches from.

    Args:
        loader: a `DataLoader`, Accelerate's around one, an iterator over one, a progress bar around
            either (an object that holds it as `iterable`, as tqdm does), or an iterable of `Batch`.

    Yields:
        The batches.

    Raises:
        UnsupportedError: for anything that yields something else.
    """
    if hasattr(loader, INNER):
        watched = DrawnIndices(loader)
        try:
            yield from map(watched.batch, loader)
        finally:
            watched.stop()
        return
    if isinstance(loader, DataLoader):
        yield from indexed_batches(loader)
        return
    if isinstance(loader, _BaseDataLoaderIter):
        yield from _rest_of(loader)
        return
    if hasattr(loader, "iterable"):
        loader.iterable = draw(loader.iterable)  # so that the bar counts what is drawn
    for batch in loader:
        if not isinstance(batch, Batch):
            raise UnsupportedError(
                f"Expected a DataLoader, a progress bar around one, or Batch objects, got"
                f" {type(loader).__name__} of {type(batch).__name__}. Put what is around the loader"
                " around recorder.batches(loader), as in enumerate(recorder.batches(loader)), or"
                " name the samples with recorder.step_of(index, x, y)."
            )
        yield batch


def _rest_of(iterator: _BaseDataLoaderIter) -> Iterator[Batch]:
    """What is left of an iterator over a loader, with the indices its sampler draws.

    Args:
        iterator: the iterator.

    Yields:
        The batches.

    Raises:
        UnsupportedError: if worker processes have been sent indices already.
    """
    if iterator._num_workers:
        raise UnsupportedError(
            "Expected a DataLoader, got an iterator over one with worker processes, which have"
            " begun. Give the DataLoader to recorder.batches."
        )
    read = ReadBatches(iterator._dataset, iterator._collate_fn, workers=0)
    iterator._sampler_iter = read.noted(iterator._sampler_iter)
    yield from map(read.batch, iterator)


class Drawn(NamedTuple):
    """Indices that a sampler drew.

    Attributes:
        indices: those of a batch.
        state: state of the generator behind the draw. Without worker processes the items are read
            and collated next.
    """

    indices: list[int]
    state: UInt8[Tensor, " byte"]


class ReadBatches:
    """Names the samples of batches that something else reads.

    Args:
        dataset: the dataset that they are of.
        collate: makes them of its items.
        workers: processes that read them.
    """

    def __init__(self, dataset: Data, collate: Collate, workers: int) -> None:
        self._dataset, self._collate, self._workers = dataset, collate, workers
        self._drawn = deque[Drawn]()
        self._random: bool | None = None  # known from the first batch on

    def noted(self, sampler: Iterable[list[int]]) -> Iterator[list[int]]:
        """Yield what a sampler draws, and note it."""
        self._drawn.clear()  # what was read ahead of an epoch that was left
        for index in sampler:
            self._drawn.append(Drawn(list(index), generator_state(CPU)))
            yield index

    def batch(self, given: object) -> Batch:
        """Return the next batch, in the order in which they are drawn, with its samples.

        Args:
            given: what was read, perhaps moved to another device.

        Returns:
            The batch.

        Raises:
            RecordingError: if it is not the next one that was drawn.
        """
        x, y = inputs_and_targets(given)
        drawn = self._drawn.popleft() if self._drawn else None
        if drawn is None or not self._may_be(drawn, x, y):
            size = 0 if drawn is None else len(drawn.indices)
            raise RecordingError(
                f"Expected the batches in the order in which the loader draws them, got one of"
                f" {batch_size(x)} samples for a draw of {size}. Iterate over the loader for"
                " nothing else while recording."
            )
        if self._random is None:
            self._random = self._draws_again(drawn, x, y)
        batch = Batch(x, y, torch.tensor(drawn.indices))
        if self._random:
            unseen = np.full(len(drawn.indices), UNSEEN)
            batch = replace(batch, checksums=unseen, draws={"data": drawn.state})
        return batch if self._collate is default_collate else self._apart(batch, drawn)

    def _may_be(self, drawn: Drawn, x: Inputs, y: Targets) -> bool:
        """Whether a batch has the number of samples of a draw, or else all that is in them."""
        if batch_size(x) == len(drawn.indices):
            return True
        with replayed(drawn.state, CPU):
            again = inputs_and_targets(self._collate(self._items(drawn)))
        return whole_checksum(x, y) == whole_checksum(*again)

    def _apart(self, batch: Batch, drawn: Drawn) -> Batch:
        """The same batch with its samples, each collated alone."""
        with replayed(drawn.state, CPU):
            items = self._items(drawn)
            alone = Alone(items, self._collate)
        if batch.checksums is None:
            batch = replace(batch, checksums=alone.checksums())
        if alone.are_rows_of(batch.x, batch.y, bool(batch.draws)):
            return batch
        check_collate(items, self._collate)
        return replace(batch, apart=samples_apart(items, self._collate))

    def _draws_again(self, drawn: Drawn, x: Inputs, y: Targets) -> bool:
        """Whether items or batches are made at random, from torch's generator.

        Args:
            drawn: a batch.
            x: its inputs as they were read.
            y: its targets.

        Returns:
            Whether they are.

        Raises:
            UnsupportedError: if the same batch does not come again.
        """
        check_item(self._dataset, drawn.indices[0], self._collate)
        with replayed(drawn.state, CPU):
            again = inputs_and_targets(self._collate(self._items(drawn)))
            random = not torch.equal(drawn.state, generator_state(CPU))
        if not random:
            return False
        if self._workers or whole_checksum(x, y) != whole_checksum(*again):
            raise UnsupportedError(
                "The batches of the loader are made at random (by a transform or the collate"
                " function), and do not come again when they are read again. Expected a loader"
                f" without worker processes (it has {self._workers}), whose batches nothing"
                " changes; or a loop of your own over recorder.batches(loader)."
            )
        return True

    def _items(self, drawn: Drawn) -> list[Any]:
        return [self._dataset[i] for i in drawn.indices]


class DrawnIndices:
    """Stands in for the batch sampler of a loader and notes what it draws; nothing else changes.

    The loader may be Accelerate's, which holds one of torch, moves batches and reads one ahead.

    Args:
        loader: the loader.
    """

    def __init__(self, loader: Data) -> None:
        inner = getattr(loader, INNER, None)
        self._loader: Data = loader if inner is None else inner
        check_indexed(self._loader)
        of = self._loader
        self._read = ReadBatches(of.dataset, of.collate_fn, of.num_workers)
        self._sampler = of.batch_sampler
        self._put(self)

    def __len__(self) -> int:
        return len(self._sampler)

    def __iter__(self) -> Iterator[list[int]]:
        return self._read.noted(self._sampler)

    def __getattr__(self, name: str) -> object:
        return getattr(self._sampler, name)

    def batch(self, given: object) -> Batch:
        """Return the next batch of the loader with its samples (`ReadBatches.batch`)."""
        return self._read.batch(given)

    def stop(self) -> None:
        """Give the loader its batch sampler back."""
        self._put(self._sampler)

    def _put(self, sampler: object) -> None:
        # a loader of torch refuses another sampler for fear of a stale one; this draws from it
        object.__setattr__(self._loader, "batch_sampler", sampler)
