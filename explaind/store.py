"""The only module that opens zarr for writing.

A store is one zarr v3 group. Every array has named dimensions, `units` and `description`; every
chunk carries a crc32c checksum. A store is complete only when `seal.json` lies in it, written last:
a missing zarr chunk would otherwise read as fill value and look like data.

Two ways to write:

- `write_store` builds a whole store under a temporary name and renames it: it appears complete or
not at all;
- `StoreWriter` grows arrays chunk by chunk along their first dimension (the history of a running
training).

Labels of a dimension (component names, say) are kept in the group attribute `coordinates`, because
zarr v3 has no settled string type; the reader turns them into coordinates.
"""

import hashlib
import json
import os
import shutil
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
import zarr
from zarr.codecs import Crc32cCodec, ZstdCodec

from explaind import __version__
from explaind.errors import StoreError
from explaind.files import write_json
from explaind.paths import SEAL

SCHEMA_VERSION = 1

MEASURED = "measured"  # attribute with what differs between equal results: memory, time

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


class StoreWriter:
    """Writes one unsealed store; the only writer it has.

    Args:
        path: folder of the store.
        group: the opened zarr group.
    """

    def __init__(self, path: Path, group: zarr.Group) -> None:
        self.path = path
        self._group = group

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
        path.parent.mkdir(parents=True, exist_ok=True)
        group = zarr.create_group(path, zarr_format=3, attributes=_group_attributes(attributes))
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
        return cls(path, _open_group(path, "r+"))

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

    def truncate_rows(self, length: int) -> None:
        """Cut every array to its first rows (drops rows after the last checkpoint)."""
        for name in self._names():
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
        arrays = {name: self._array(name) for name in self._names()}
        for name, array in arrays.items():
            if array.nchunks_initialized != array.nchunks:
                raise StoreError(
                    f"{self.path}/{name} has {array.nchunks_initialized} of {array.nchunks} chunks:"
                    " not sealed."
                )
        content = {
            "schema_version": SCHEMA_VERSION,
            "arrays": {
                name: {"shape": list(array.shape), "chunks": array.nchunks}
                for name, array in arrays.items()
            },
            "digest": _digest(self.path, arrays),
        }
        write_json(self.path / SEAL, content)

    def _names(self) -> list[str]:
        with _plain_files_allowed():
            return sorted(self._group.array_keys())

    def _array(self, name: str) -> "zarr.Array[Any]":
        array = self._group[name]
        if not isinstance(array, zarr.Array):
            raise StoreError(f"{self.path}/{name} is not an array.")
        # a chunk that happens to equal the fill value must be told from one never written
        return array.with_config({"write_empty_chunks": True})


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
        The writer. A crash leaves `path` as it was.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        writer = StoreWriter.create(temporary, arrays, attributes)
        yield writer
        writer.seal()
        if path.exists():
            shutil.rmtree(path)
        temporary.rename(path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


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


def labels_of(dataset: xr.Dataset) -> dict[str, list[str]]:
    """Labels of the dimensions that have string coordinates."""
    return {
        str(name): [str(label) for label in coordinate.values]
        for name, coordinate in dataset.coords.items()
        if coordinate.dtype.kind in "UO"
    }


def is_sealed(path: Path) -> bool:
    """Whether a complete store lies at `path`."""
    return (path / SEAL).is_file()


def stored_attributes(path: Path) -> dict[str, Any]:
    """Group attributes of a store, sealed or not; empty if there is no store."""
    return dict(_open_group(path, "r").attrs) if (path / "zarr.json").is_file() else {}


def open_sealed(path: Path, config: Mapping[str, Any] | None = None, rule: str = "") -> xr.Dataset:
    """Open a complete store for reading, lazily.

    Args:
        path: folder of the store.
        config: if given, the stage configuration that the store must have been made with.
        rule: the rule that makes the store, for the message.

    Returns:
        The dataset, with labels as coordinates and the group attributes in `attrs`.

    Raises:
        StoreError: if the store is missing, unsealed, truncated, of another schema version, or made
            with another configuration.
    """
    remedy = f" Run the rule `{rule}` again." if rule else " Make it again."
    if not path.is_dir():
        raise StoreError(f"{path} does not exist.{remedy}")
    if not is_sealed(path):
        raise StoreError(f"{path} is not sealed: the job that writes it did not finish.{remedy}")
    _check_complete(path, remedy)
    with _plain_files_allowed():
        dataset: xr.Dataset = xr.open_zarr(path, consolidated=False, chunks=None)
    if config is not None:
        _check_config(path, dict(dataset.attrs.get("config", {})), config, remedy)
    labels: dict[str, list[str]] = dataset.attrs.get("coordinates", {})
    return dataset.assign_coords(labels)


def _check_complete(path: Path, remedy: str) -> None:
    seal = json.loads((path / SEAL).read_text(encoding="utf-8"))
    if seal.get("schema_version") != SCHEMA_VERSION:
        raise StoreError(
            f"{path} has schema version {seal.get('schema_version')}, this is explaind"
            f" {__version__}"
            f" with version {SCHEMA_VERSION}.{remedy}"
        )
    group = _open_group(path, "r")
    for name, expected in seal["arrays"].items():
        array = group.get(name)
        if not isinstance(array, zarr.Array) or list(array.shape) != expected["shape"]:
            raise StoreError(f"{path}/{name} is missing or has another shape than sealed.{remedy}")
        if array.nchunks_initialized != expected["chunks"]:
            raise StoreError(
                f"{path}/{name} is truncated: expected {expected['chunks']} chunks, got"
                f" {array.nchunks_initialized}.{remedy}"
            )


def _check_config(
    path: Path, stored: Mapping[str, Any], config: Mapping[str, Any], remedy: str
) -> None:
    expected = json.loads(json.dumps(dict(config)))
    keys = sorted(_differences(dict(stored), expected))
    if keys:
        raise StoreError(f"{path} was made with another configuration: {'; '.join(keys)}.{remedy}")


def _differences(stored: Any, expected: Any, prefix: str = "") -> list[str]:
    if not (isinstance(stored, dict) and isinstance(expected, dict)):
        return [] if stored == expected else [f"{prefix} is {stored!r}, now {expected!r}"]
    return [
        line
        for key in sorted(stored.keys() | expected.keys())
        for line in _differences(
            stored.get(key), expected.get(key), f"{prefix}.{key}" if prefix else key
        )
    ]


@contextmanager
def _plain_files_allowed() -> Iterator[None]:
    """Our plain files beside the arrays (the seal, a checkpoint) are meant to be there."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Object at .* is not recognized as a component")
        yield


def _digest(path: Path, names: Iterable[str]) -> str:
    """Hash over the checksums of all chunks: the seals of two stores differ if the stores do.

    Snakemake compares the content of the declared output, which is the seal. The last four bytes
    of a chunk are its crc32c.
    """
    group = json.loads((path / "zarr.json").read_text(encoding="utf-8"))
    group["attributes"].pop(MEASURED, None)
    digest = hashlib.sha256(json.dumps(group, sort_keys=True).encode())
    for name in names:
        for file in sorted((path / name).rglob("*")):
            if file.is_file():
                with file.open("rb") as opened:
                    opened.seek(-min(4, file.stat().st_size), os.SEEK_END)
                    digest.update(f"{file.relative_to(path)}".encode() + opened.read())
    return digest.hexdigest()


def _open_group(path: Path, mode: Any) -> zarr.Group:
    try:
        return zarr.open_group(path, mode=mode, zarr_format=3)
    except (FileNotFoundError, ValueError) as error:
        raise StoreError(f"{path} is not a zarr store ({error}).") from error


def _group_attributes(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {**attributes, "explaind_version": __version__, "schema_version": SCHEMA_VERSION}


def _compressors(dtype: str) -> list[Any]:
    """Trained floats hardly compress, and compressing them costs more time than writing them."""
    return [Crc32cCodec()] if np.dtype(dtype).kind == "f" else [ZstdCodec(level=1), Crc32cCodec()]


def _fill_value(dtype: str) -> Any:
    return np.nan if np.dtype(dtype).kind == "f" else 0


def spec_of(array: xr.DataArray, lengths: Mapping[str, int] | None = None) -> ArraySpec:
    """Specification of a stored array like this one.

    Args:
        array: an array with attrs `units` and `description`.
        lengths: other lengths for some dimensions.
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


def _chunks_of(shape: tuple[int, ...], itemsize: int) -> tuple[int, ...]:
    """Split the leading dimensions until a chunk is below the target size."""
    chunks = list(shape)
    for axis in range(len(shape)):
        size = itemsize * int(np.prod(chunks))
        if size <= TARGET_CHUNK_BYTES:
            break
        rest = itemsize * int(np.prod(chunks[axis + 1 :]))
        chunks[axis] = max(1, min(chunks[axis], TARGET_CHUNK_BYTES // max(rest, 1)))
    return tuple(max(1, length) for length in chunks)
