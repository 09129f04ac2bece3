"""The only module that opens zarr for writing: stores that grow, and whole ones at once."""

import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
import zarr

from explaind import __version__
from explaind.errors import StoreError
from explaind.files import log_written, naming_full_disk
from explaind.paths import FILES
from explaind.store.chunks import StoreFiles, open_group
from explaind.store.encoding import Encoded, compressors, encode, fill_value
from explaind.store.lock import only_writer
from explaind.store.seal import SCHEMA_VERSION, is_sealed, write_seal
from explaind.store.spec import ArraySpec, labels_of, spec_of


class StoreWriter:
    """Writes one unsealed store; the only writer it has.

    Args:
        path: folder of the store.
        group: the opened zarr group.
    """

    def __init__(self, path: Path, group: zarr.Group) -> None:
        self.path = path
        self._group = group
        self._files = StoreFiles(path)
        self._opened: dict[str, zarr.Array[Any]] = {}
        self._lengths: dict[str, int] = {}

    @classmethod
    def create(
        cls, path: Path, arrays: Mapping[str, ArraySpec], attributes: Mapping[str, Any]
    ) -> "StoreWriter":
        """Create a new store with empty arrays.

        Args:
            path: folder of the store; must not exist.
            arrays: the arrays by name.
            attributes: group attributes, JSON only.

        Returns:
            The writer of the new store.

        Raises:
            StoreError: if something lies at `path` already.
        """
        if path.exists():
            raise StoreError(f"{path} exists already: a store is created once. Remove it first.")
        with naming_full_disk(path):
            path.mkdir(parents=True)
        group = zarr.create_group(
            StoreFiles(path), zarr_format=3, attributes=_group_attributes(attributes)
        )
        group.create_group(FILES)
        for name, spec in arrays.items():
            group.create_array(
                name,
                shape=spec.shape,
                chunks=spec.chunks,
                dtype=spec.dtype,
                compressors=compressors(spec.dtype),
                fill_value=fill_value(spec.dtype),
                dimension_names=spec.dims,
                attributes={"units": spec.units, "description": spec.description},
            )
        return cls(path, group)

    @classmethod
    def reopen(cls, path: Path) -> "StoreWriter":
        """Open an unsealed store to go on writing.

        Args:
            path: folder of the store.

        Returns:
            Its writer.

        Raises:
            StoreError: if it is sealed.
        """
        if is_sealed(path):
            raise StoreError(f"{path} is sealed and cannot be written to. Remove it to start anew.")
        for unfinished in path.rglob("*.partial"):  # a killed process was writing these
            unfinished.unlink()
        return cls(path, open_group(path, "r+"))

    @property
    def attributes(self) -> dict[str, Any]:
        """The group attributes."""
        return dict(self._group.attrs)

    def write_rows(self, name: str, start: int, rows: np.ndarray | Sequence[np.ndarray]) -> None:
        """Write whole chunks along the first dimension; `seal` makes the array as long as its rows.

        Args:
            name: an array of no rows yet, whose other dimensions are not cut into chunks.
            start: first row; a multiple of the chunk length.
            rows: an array of them, or one for each; only the last chunk of an array may be short.

        Raises:
            StoreError: if `start` does not lie on a chunk boundary, or a row has another shape than
                those of the array.
        """
        array = self._array(name)
        length, *shape = array.chunks
        stored = np.dtype(array.dtype).newbyteorder("<")
        if start % length:
            raise StoreError(
                f"{self.path}/{name}: rows must start at a multiple of {length}, got {start}."
            )
        for first in range(0, len(rows), length):
            part = rows[first : first + length]
            pieces = [part] if isinstance(part, np.ndarray) else [row[np.newaxis] for row in part]
            if wrong := {piece.shape[1:] for piece in pieces} - {tuple(shape)}:
                raise StoreError(
                    f"{self.path}/{name}: expected rows of shape {tuple(shape)}, got {wrong.pop()}."
                )
            padding = np.full((length - len(part), *shape), array.fill_value, stored)
            content = encode([np.asarray(piece, stored, "C") for piece in (*pieces, padding)])
            self.write_raw(name, ((start + first) // length, *(0 for _ in shape)), content)
        self._lengths[name] = start + len(rows)

    def write_region(self, name: str, region: Mapping[str, slice], values: np.ndarray) -> None:
        """Write part of an array of fixed shape.

        Args:
            name: the array.
            region: slices by dimension name; all of the other dimensions.
            values: what to write, shaped like the region.
        """
        array = self._array(name)
        dims = getattr(array.metadata, "dimension_names", None) or ()
        array[tuple(region.get(str(dim), slice(None)) for dim in dims)] = values

    def write_raw(self, name: str, number: tuple[int, ...], content: Sequence[Encoded]) -> None:
        """Write a chunk that is encoded already.

        Args:
            name: the array.
            number: number of the chunk along each dimension.
            content: buffers, one after the other: a chunk of the same shape, type and compression.
        """
        self._files.write_raw(name, number, content)

    def truncate_rows(self, name: str, length: int) -> None:
        """Keep only the first rows of an array (those behind the last checkpoint).

        Args:
            name: the array.
            length: rows to keep; a multiple of the chunk length.
        """
        self._files.drop_rows(name, length // self._array(name).chunks[0])
        self._lengths[name] = length

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        """Add or replace group attributes."""
        self._group.attrs.update(dict(attributes))

    def seal(self) -> None:
        """Declare the store complete; a store with a chunk that was never written is refused."""
        for name, length in self._lengths.items():
            array = self._array(name)
            array.resize((length, *array.shape[1:]))
        write_seal(self.path, {name: self._array(name) for name in self._names()})

    def _names(self) -> list[str]:
        return sorted(self._group.array_keys())

    def _array(self, name: str) -> "zarr.Array[Any]":
        if name not in self._opened:
            array = self._group[name]
            if not isinstance(array, zarr.Array):
                raise StoreError(f"{self.path}/{name} is not an array.")
            # a chunk that happens to equal the fill value must be told from one never written
            self._opened[name] = array.with_config({"write_empty_chunks": True})
        return self._opened[name]


@contextmanager
def new_store(
    path: Path, arrays: Mapping[str, ArraySpec], attributes: Mapping[str, Any]
) -> Iterator[StoreWriter]:
    """Build a store under a temporary name; seal it and move it to `path` if the block succeeds.

    Args:
        path: folder of the store; an older store there is replaced only after the new one is
            sealed.
        arrays: the arrays by name, in their final shape.
        attributes: group attributes, JSON only.

    Yields:
        The writer. A crash leaves `path` as it was. A second process that writes the same store
        waits for the first.
    """
    temporary, start = path.with_name(f".{path.name}.partial"), time.monotonic()
    with only_writer(path, wait=True):
        shutil.rmtree(temporary, ignore_errors=True)  # of a killed process
        try:
            writer = StoreWriter.create(temporary, arrays, attributes)
            yield writer
            writer.seal()
            remove_store(path)
            temporary.rename(path)
            log_written(path, start)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def remove_store(path: Path) -> None:
    """Remove a store if there is one; a kill half-way leaves nothing that looks like a store."""
    removed = path.with_name(f".{path.name}.removed")
    shutil.rmtree(removed, ignore_errors=True)  # of a killed process
    if path.exists():
        path.rename(removed)
        shutil.rmtree(removed)


def write_store(path: Path, dataset: xr.Dataset, attributes: Mapping[str, Any]) -> None:
    """Write a whole dataset as a sealed store that appears at `path` at once.

    Args:
        path: folder of the store.
        dataset: arrays with attrs `units` and `description`; string coordinates become labels.
        attributes: group attributes, JSON only.
    """
    labels = labels_of(dataset)
    arrays = {
        str(name): array for name, array in dataset.reset_coords().items() if name not in labels
    }
    specs = {name: spec_of(array) for name, array in arrays.items()}
    with new_store(path, specs, {**attributes, "coordinates": labels}) as writer:
        for name, array in arrays.items():
            writer.write_region(name, {}, array.values)


def _group_attributes(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {**attributes, "explaind_version": __version__, "schema_version": SCHEMA_VERSION}
