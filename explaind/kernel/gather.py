"""Reading many influence stores as one, block by block: shards side by side, segments added."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

import numpy as np
import xarray as xr

from explaind.errors import StoreError
from explaind.kernel.result import SUMMED
from explaind.store import ArraySpec, spec_of

BLOCK_BYTES = 32 * 2**20
"""Bytes that are read and written together; a chunk of the target if that is larger."""

JOINED = ("test", "step", "interval")
"""Dimensions along which stores lie side by side. Intervals may overlap at segment bounds."""

Region = dict[str, slice]


class Block(NamedTuple):
    """Part of an array.

    Attributes:
        name: the array.
        region: which part, slices by dimension.
        values: its numbers.
    """

    name: str
    region: Region
    values: np.ndarray


@dataclass(frozen=True)
class Part:
    """One store of the many.

    Attributes:
        dataset: the store, lazy.
        name: its name, for messages.
        offset: position of its first entry along each joined dimension.
    """

    dataset: xr.Dataset
    name: str
    offset: Mapping[str, int]


class Gathered:
    """The stores of all shards and segments of a run, read as if they were one.

    Args:
        stores: by shard and, within it, by segment, in order.

    Attributes:
        sizes: length of every dimension.
        first: the first store.
        names: the arrays.

    Raises:
        StoreError: if the stores do not fit each other.
    """

    def __init__(self, stores: Sequence[Sequence[xr.Dataset]]) -> None:
        self.first = stores[0][0]
        for shard in stores:
            for dataset, other in zip(shard, stores[0], strict=True):
                _check_fits(self.first, other, dataset)
        starts = np.unique(np.concatenate([part["interval_start"].values for part in stores[0]]))
        tests = np.cumsum([0, *(shard[0].sizes["test"] for shard in stores)])
        steps = np.cumsum([0, *(part.sizes["step"] for part in stores[0])])
        self._parts = [
            Part(
                dataset,
                _name(dataset),
                {
                    "test": int(tests[k]),
                    "step": int(steps[t]),
                    "interval": int(np.searchsorted(starts, dataset["interval_start"].values[0])),
                },
            )
            for k, shard in enumerate(stores)
            for t, dataset in enumerate(shard)
        ]
        lengths = {"test": int(tests[-1]), "step": int(steps[-1]), "interval": len(starts)}
        self.sizes = {**{str(d): n for d, n in self.first.sizes.items()}, **lengths}
        self.names = [str(name) for name in self.first.data_vars]
        self._added = len(stores[0]) > 1

    def spec(self, name: str) -> ArraySpec:
        """What the whole array is."""
        return spec_of(self.first[name], {dim: self.sizes[dim] for dim in JOINED})

    def largest(self, attribute: str) -> float:
        """Largest value of an attribute of the stores."""
        return max(float(part.dataset.attrs[attribute]) for part in self._parts)

    def read(self, name: str, region: Region) -> np.ndarray:
        """Read part of the whole array.

        Args:
            name: the array.
            region: slices by dimension; all of the other dimensions.

        Returns:
            The numbers; sums over segments are float64.
        """
        dims = [str(dim) for dim in self.first[name].dims]
        whole = {dim: region.get(dim, slice(0, self.sizes[dim])) for dim in dims}
        summed = self._added and name in SUMMED
        pieces = list(self._pieces(whole))
        shape = [cut.stop - cut.start for cut in whole.values()]
        if len(pieces) == 1 and not summed:  # most of what is gathered: read into place at once
            return pieces[0].values(name)
        found = np.zeros(shape, np.float64 if summed else self.first[name].dtype)
        for piece in pieces:
            target = tuple(piece.outer.values())
            found[target] = found[target] + piece.values(name) if summed else piece.values(name)
        return found

    def _pieces(self, whole: Region) -> Iterator["_Piece"]:
        """What the single stores hold of a region."""
        for part in self._parts:
            inner, outer = {}, {}
            for dim, cut in whole.items():
                offset, size = part.offset.get(dim, 0), part.dataset.sizes[dim]
                start, stop = max(cut.start, offset), min(cut.stop, offset + size)
                inner[dim] = slice(start - offset, stop - offset)
                outer[dim] = slice(start - cut.start, stop - cut.start)
            if all(cut.start < cut.stop for cut in inner.values()):
                yield _Piece(part.dataset, inner, outer)


class _Piece(NamedTuple):
    """What one store holds of a region.

    Attributes:
        dataset: the store.
        inner: where it lies in the store.
        outer: where it lies in the region.
    """

    dataset: xr.Dataset
    inner: Region
    outer: Region

    def values(self, name: str) -> np.ndarray:
        """The numbers of an array."""
        return self.dataset[name].isel(self.inner).to_numpy()


def blocks_of(spec: ArraySpec, width: int = 1) -> Iterator[Region]:
    """Cut an array into blocks of whole chunks, in the order that they lie on disk.

    Args:
        spec: the array.
        width: numbers that are read for every number of the array.

    Yields:
        The blocks, of at most `BLOCK_BYTES` or one chunk.
    """
    lengths = list(spec.chunks)
    room = BLOCK_BYTES // (np.dtype(spec.dtype).itemsize * width)
    for axis in reversed(range(len(lengths))):
        chunk, rest = lengths[axis], int(np.prod(lengths)) // max(lengths[axis], 1)
        lengths[axis] = min(spec.shape[axis], max(chunk, room // rest // chunk * chunk))
        if lengths[axis] < spec.shape[axis]:
            break
    starts = [range(0, size, step) for size, step in zip(spec.shape, lengths, strict=True)]
    for corner in product(*starts):
        yield {
            dim: slice(start, min(start + length, size))
            for dim, start, length, size in zip(spec.dims, corner, lengths, spec.shape, strict=True)
        }


def _check_fits(first: xr.Dataset, segment: xr.Dataset, other: xr.Dataset) -> None:
    """Refuse stores that are not parts of one whole (made from different histories, say).

    Args:
        first: the first store.
        segment: the store of the first shard and the same segment as `other`.
        other: the store that is checked.
    """
    for name, array in first.data_vars.items():
        shared = not set(array.dims) & set(JOINED)
        if name not in other or (shared and not np.array_equal(array.values, other[name].values)):
            raise StoreError(
                f"The shards {_name(first)} and {_name(other)} differ in {name}."
                " Run the rule `predict_epk` for all shards again."
            )
    wanted = {**_lengths(first), **_lengths(segment, ("step", "interval"))}
    found = _lengths(other)
    if wanted != found or not segment["interval_start"].equals(other["interval_start"]):
        raise StoreError(
            f"The shards {_name(segment)} and {_name(other)} have different axes:"
            f" {wanted} and {found}. Run the rule `predict_epk` for all shards again."
        )


def _lengths(dataset: xr.Dataset, dims: Sequence[str] | None = None) -> dict[str, int]:
    """Lengths of some dimensions, by default all that shards share."""
    return {
        str(dim): size
        for dim, size in dataset.sizes.items()
        if dim != "test" and (dims is None or dim in dims)
    }


def _name(dataset: xr.Dataset) -> str:
    return f"{dataset.attrs['shard']} (segment {dataset.attrs['segment']})"
