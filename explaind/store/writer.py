"""The only module that opens zarr for writing."""

import mmap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from zarr.codecs import Crc32cCodec, ZstdCodec

from explaind import __version__
from explaind.errors import StoreError
from explaind.files import naming_full_disk
from explaind.store.chunks import StoreFiles
from explaind.store.group import open_group, plain_files_allowed
from explaind.store.seal import SCHEMA_VERSION, is_sealed, write_seal
from explaind.store.spec import ArraySpec


class StoreWriter:
    """Writes one unsealed store; the only writer it has.

    Args:
        path: folder of the store.
        group: the opened zarr group.
    """

    def __init__(self, path: Path, group: zarr.Group) -> None:
        self.path = path
        self._group = group
        self._opened: dict[str, zarr.Array[Any]] = {}

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
        for name, spec in arrays.items():
            group.create_array(
                name,
                shape=spec.shape,
                chunks=spec.chunks,
                dtype=spec.dtype,
                compressors=_compressors(spec.dtype),
                fill_value=_fill_value(spec.dtype),
                dimension_names=spec.dims,
                attributes={"units": spec.units, "description": spec.description},
            )
        return cls(path, group)

    @classmethod
    def reopen(cls, path: Path) -> "StoreWriter":
        """Open an unsealed store to go on writing.

        Raises:
            StoreError: if there is no store, or it is sealed.
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

    def write_rows(self, name: str, start: int, rows: np.ndarray) -> None:
        """Write whole chunks along the first dimension, growing the array as needed.

        Args:
            name: the array.
            start: first row; a multiple of the chunk length.
            rows: the rows; only the last chunk of an array may be short.

        Raises:
            StoreError: if `start` does not lie on a chunk boundary.
        """
        array = self._array(name)
        if start % array.chunks[0]:
            raise StoreError(
                f"{self.path}/{name}: rows must start at a multiple of {array.chunks[0]},"
                f" got {start}."
            )
        stop = start + len(rows)
        if array.shape[0] < stop:
            array.resize((stop, *array.shape[1:]))
        array[start:stop] = rows.astype(array.dtype, copy=False)

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

    def write_raw(self, name: str, number: tuple[int, ...], content: mmap.mmap) -> None:
        """Write a chunk that is encoded already.

        Args:
            name: the array.
            number: number of the chunk along each dimension.
            content: from a chunk of the same shape, type and compression (`chunks.read_raw`).
        """
        StoreFiles(self.path).write_raw(name, number, content)

    def truncate_rows(self, name: str, length: int) -> None:
        """Cut an array to its first rows (drops rows after the last checkpoint)."""
        array = self._array(name)
        if array.shape[0] > length:
            array.resize((length, *array.shape[1:]))

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        """Add or replace group attributes."""
        self._group.attrs.update(dict(attributes))

    def seal(self) -> None:
        """Declare the store complete.

        Raises:
            StoreError: if a chunk was never written.
        """
        write_seal(self.path, {name: self._array(name) for name in self._names()})

    def _names(self) -> list[str]:
        with plain_files_allowed():
            return sorted(self._group.array_keys())

    def _array(self, name: str) -> "zarr.Array[Any]":
        if name not in self._opened:
            array = self._group[name]
            if not isinstance(array, zarr.Array):
                raise StoreError(f"{self.path}/{name} is not an array.")
            # a chunk that happens to equal the fill value must be told from one never written
            self._opened[name] = array.with_config({"write_empty_chunks": True})
        return self._opened[name]


def _group_attributes(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {**attributes, "explaind_version": __version__, "schema_version": SCHEMA_VERSION}


def _compressors(dtype: str) -> list[Any]:
    """Trained floats hardly compress, and compressing them costs more time than writing them."""
    return [Crc32cCodec()] if np.dtype(dtype).kind == "f" else [ZstdCodec(level=1), Crc32cCodec()]


def _fill_value(dtype: str) -> Any:
    return np.nan if np.dtype(dtype).kind == "f" else 0
