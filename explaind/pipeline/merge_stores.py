"""Reading many influence stores as one, chunk by chunk: shards side by side, segments added.

Chunks go from store to store past zarr where they can: moved as they lie on disk, or added.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from explaind.errors import StoreError
from explaind.kernel.result import SUMMED
from explaind.store import ArraySpec, StoreFiles, decode, encode, open_sealed, spec_of

JOINED = ("test", "step", "interval")
"""Dimensions along which stores lie side by side. Intervals may overlap at segment bounds."""

REMEDY = " Run the rule `predict_epk` again."

ADDED_TOGETHER = 2**16
"""Numbers added in float64 at once: they stay in the cache."""

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


class RawChunk(NamedTuple):
    """An encoded chunk of an array.

    Attributes:
        name: the array.
        number: number of the chunk along each dimension.
        content: buffers, one after the other.
    """

    name: str
    number: tuple[int, ...]
    content: Sequence[Any]


@dataclass(frozen=True)
class Part:
    """One store of the many.

    Attributes:
        dataset: the store, lazy.
        files: its files.
        offset: position of its first entry along each joined dimension.
    """

    dataset: xr.Dataset
    files: StoreFiles
    offset: Mapping[str, int]


class MergedStores:
    """The stores of all shards and segments of a run, read as if they were one.

    Args:
        paths: folders of the stores, by shard and, within it, by segment, in order.
        config: stage configuration that they must have been made with.

    Attributes:
        sizes: length of every dimension.
        first: the first store.
        names: the arrays.

    Raises:
        StoreError: if a store is missing, incomplete, of another configuration or does not fit the
            others.
    """

    def __init__(
        self, paths: Sequence[Sequence[Path]], config: Mapping[str, Any] | None = None
    ) -> None:
        stores = [[open_sealed(path, config, rule="predict_epk") for path in row] for row in paths]
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
                StoreFiles(paths[k][t], read_only=True, remedy=REMEDY),
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
        """Return what the whole array is."""
        return spec_of(self.first[name], {dim: self.sizes[dim] for dim in JOINED})

    def largest(self, attribute: str) -> float:
        """Return the largest value of an attribute of the stores."""
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
        if len(pieces) == 1 and not summed:  # most of what is merged: read into place at once
            return pieces[0].values(name)
        values = np.zeros(shape, np.float64 if summed else self.first[name].dtype)
        for piece in pieces:
            target = tuple(piece.outer.values())
            if summed:
                values[target] += piece.values(name)
            else:
                values[target] = piece.values(name)
        return values

    def read_chunk(self, name: str, region: Region) -> Block | RawChunk:
        """Read a chunk of the whole array; undecoded if it is made of chunks of the stores.

        Args:
            name: the array.
            region: where the chunk lies.

        Returns:
            The chunk.
        """
        pieces, spec = list(self._pieces(region)), self.spec(name)
        summed = self._added and name in SUMMED
        target = _chunk_index(region, spec.chunks)
        numbers = [piece.number_of_chunk(name, spec.chunks, region) for piece in pieces]
        if not target or not all(numbers) or (len(pieces) > 1 and not summed):
            return Block(name, region, self.read(name, region))
        contents = [
            piece.part.files.read_raw(name, number)
            for piece, number in zip(pieces, numbers, strict=True)
            if number
        ]
        return RawChunk(name, target, sum_of_chunks(contents, spec.dtype) if summed else contents)

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
                yield _Piece(part, inner, outer)


class _Piece(NamedTuple):
    """What one store holds of a region.

    Attributes:
        part: the store.
        inner: where it lies in the store.
        outer: where it lies in the region.
    """

    part: Part
    inner: Region
    outer: Region

    def values(self, name: str) -> np.ndarray:
        """Return the numbers of an array."""
        return self.part.dataset[name].isel(self.inner).to_numpy()

    def number_of_chunk(
        self, name: str, chunks: tuple[int, ...], region: Region
    ) -> tuple[int, ...] | None:
        """Return the number of the store's chunk that holds all of a region; None if none does."""
        cuts = zip(self.inner.values(), region.values(), strict=True)
        whole = all(own.stop - own.start == cut.stop - cut.start for own, cut in cuts)
        alike = self.part.dataset[name].encoding["chunks"] == chunks
        return _chunk_index(self.inner, chunks) if whole and alike else None


def sum_of_chunks(contents: Sequence[Any], dtype: str) -> list[Any]:
    """Sum of encoded chunks, taken in float64.

    Args:
        contents: chunks of the same place in several stores.
        dtype: type of their numbers, and of the sum.

    Returns:
        The encoded sum, as buffers.
    """
    terms = [decode(content, dtype) for content in contents]
    total = np.empty_like(terms[0])
    for start in range(0, len(total), ADDED_TOGETHER):
        piece = slice(start, start + ADDED_TOGETHER)
        exact = terms[0][piece].astype(np.float64)
        for term in terms[1:]:
            exact += term[piece]
        total[piece] = exact
    return encode([total])


def chunks_of(spec: ArraySpec) -> Iterator[Region]:
    """Yield the chunks of an array, in the order that they lie on disk."""
    starts = [range(0, size, length) for size, length in zip(spec.shape, spec.chunks, strict=True)]
    for corner in product(*starts):
        axes = zip(spec.dims, corner, spec.chunks, spec.shape, strict=True)
        yield {dim: slice(at, min(at + length, size)) for dim, at, length, size in axes}


def _chunk_index(region: Region, chunks: tuple[int, ...]) -> tuple[int, ...] | None:
    """Number of the chunk that starts where a region does; None if none does."""
    starts = [cut.start for cut in region.values()]
    if any(at % length for at, length in zip(starts, chunks, strict=True)):
        return None
    return tuple(at // length for at, length in zip(starts, chunks, strict=True))


def _check_fits(first: xr.Dataset, segment: xr.Dataset, other: xr.Dataset) -> None:
    """Refuse stores that are not parts of one whole (made from different histories, say).

    Args:
        first: the first store.
        segment: the store of the first shard and the same segment as `other`.
        other: the store that is checked.

    Raises:
        StoreError: naming both.
    """
    for name, array in first.data_vars.items():
        shared = not set(array.dims) & set(JOINED)
        if name not in other or (shared and not np.array_equal(array.values, other[name].values)):
            raise StoreError(
                f"The shards {_name(first)} and {_name(other)} differ in {name}."
                " Run the rule `predict_epk` for all shards again."
            )
    wanted = {**_lengths(first), **_lengths(segment, ("step", "interval"))}
    lengths = _lengths(other)
    if wanted != lengths or not segment["interval_start"].equals(other["interval_start"]):
        raise StoreError(
            f"The shards {_name(segment)} and {_name(other)} have different axes:"
            f" {wanted} and {lengths}. Run the rule `predict_epk` for all shards again."
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
