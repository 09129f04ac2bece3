"""What an array of a store is, before any of it is written."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr

TARGET_CHUNK_BYTES = 16 * 2**20


@dataclass(frozen=True)
class ArraySpec:
    """What an array of a store is, before any of it is written.

    Attributes:
        dims: names of the dimensions.
        shape: length of each dimension.
        chunks: length of a chunk along each dimension.
        dtype: numpy type name of the stored numbers.
        units: physical unit, "1" for counts and indices, "nat" for log-probabilities.
        description: one sentence.
    """

    dims: tuple[str, ...]
    shape: tuple[int, ...]
    chunks: tuple[int, ...]
    dtype: str
    units: str
    description: str


def spec_of(array: xr.DataArray, lengths: Mapping[str, int] | None = None) -> ArraySpec:
    """Specification of a stored array like this one.

    Args:
        array: an array with attrs `units` and `description`.
        lengths: other lengths for some dimensions.

    Returns:
        The specification.
    """
    dims = tuple(str(dim) for dim in array.dims)
    shape = tuple(
        (lengths or {}).get(dim, size) for dim, size in zip(dims, array.shape, strict=True)
    )
    return ArraySpec(
        dims=dims,
        shape=shape,
        chunks=_chunks_of(array.shape, array.dtype.itemsize),
        dtype=array.dtype.name,
        units=str(array.attrs.get("units", "1")),
        description=str(array.attrs.get("description", "")),
    )


def labels_of(dataset: xr.Dataset) -> dict[str, list[str]]:
    """Return the labels of the dimensions that have string coordinates."""
    return {
        str(name): [str(label) for label in coordinate.values]
        for name, coordinate in dataset.coords.items()
        if coordinate.dtype.kind in "UO"
    }


def _chunks_of(shape: tuple[int, ...], itemsize: int) -> tuple[int, ...]:
    """Return the chunks: leading dimensions split until one is below the target size."""
    chunks = list(shape)
    for axis in range(len(shape)):
        size = itemsize * int(np.prod(chunks))
        if size <= TARGET_CHUNK_BYTES:
            break
        rest = itemsize * int(np.prod(chunks[axis + 1 :]))
        chunks[axis] = _length(chunks[axis], max(1, TARGET_CHUNK_BYTES // max(rest, 1)))
    return tuple(max(1, length) for length in chunks)


def _length(size: int, most: int) -> int:
    """Return the longest length of a chunk, one that divides the size if that is not too short.

    Arrays that are laid side by side then share their chunks with the whole, which moves faster.
    """
    if size <= most:
        return size
    return next((length for length in range(most, most // 2, -1) if size % length == 0), most)
