"""The seal: a small file, written last, that declares a store complete."""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import zarr

from explaind import __version__
from explaind.errors import DamagedStoreError, StoreError
from explaind.files import as_json, replacing
from explaind.paths import SEAL

SCHEMA_VERSION = 5
METADATA = "zarr.json"
MEASURED, MADE_WITH = "measured", "made_with"
UNSEALED = (MEASURED, MADE_WITH)
"""Group attributes that no seal covers: equal results differ in memory, time, versions, commit."""


def is_sealed(path: Path) -> bool:
    """Return whether a complete store lies at `path`."""
    return (path / SEAL).is_file()


def write_seal(path: Path, arrays: Mapping[str, "zarr.Array[Any]"]) -> None:
    """Declare a store complete.

    Args:
        path: folder of the store.
        arrays: all of its arrays by name.

    Raises:
        StoreError: if a chunk was never written.
    """
    for name, array in arrays.items():
        if (written := _chunks_on_disk(path / name)) != array.nchunks:
            raise StoreError(f"{path}/{name} has {written} of {array.nchunks} chunks: not sealed.")
    content = {
        "schema_version": SCHEMA_VERSION,
        "arrays": {
            name: {"shape": list(array.shape), "chunks": array.nchunks}
            for name, array in arrays.items()
        },
        "metadata": _metadata_digest(path, arrays),
        "digest": _digest(path, arrays),
    }
    with replacing(path / SEAL) as temporary:
        temporary.write_text(as_json(content), encoding="utf-8")


def check_complete(path: Path, remedy: str) -> None:
    """Refuse a store that is not as it was sealed.

    Args:
        path: folder of a sealed store.
        remedy: what to do, for the message.

    Raises:
        StoreError: if it is of another schema version.
        DamagedStoreError: if metadata changed, or an array or chunk is missing.
    """
    seal = _read_seal(path, remedy)
    if seal.get("schema_version") != SCHEMA_VERSION:
        raise StoreError(
            f"{path} has schema version {seal.get('schema_version')}, this is explaind"
            f" {__version__} with version {SCHEMA_VERSION}.{remedy}"
        )
    missing = [name for name in seal["arrays"] if not (path / name / METADATA).is_file()]
    if missing:
        raise DamagedStoreError(f"{path}/{missing[0]} is missing.{remedy}", path)
    if _metadata_digest(path, seal["arrays"]) != seal["metadata"]:
        raise DamagedStoreError(
            f"{path}: a {METADATA} in it is not as it was sealed.{remedy}", path
        )
    for name, expected in seal["arrays"].items():
        number = _chunks_on_disk(path / name)
        if number != expected["chunks"]:
            raise DamagedStoreError(
                f"{path}/{name} is truncated: expected {expected['chunks']} chunks, got"
                f" {number}.{remedy}",
                path,
            )


def withdraw_seal(path: Path) -> None:
    """Declare a damaged store incomplete, so that the workflow makes it again."""
    (path / SEAL).unlink(missing_ok=True)


def _chunks_on_disk(array: Path) -> int:
    """Return the number of chunks; what a killed job left beside them does not count."""
    chunks = array / "c"
    if chunks.is_file():  # the only chunk of an array without dimensions
        return 1
    return sum(file.name.isdigit() and file.is_file() for file in chunks.rglob("*"))


def _read_seal(path: Path, remedy: str) -> dict[str, Any]:
    try:
        return dict(json.loads((path / SEAL).read_text(encoding="utf-8")))
    except ValueError as error:
        raise DamagedStoreError(
            f"{path / SEAL} is not readable ({error}).{remedy}", path
        ) from error


def _metadata_digest(path: Path, names: Iterable[str]) -> str:
    """Return a hash over the metadata of the group and its arrays: shapes, types, attributes."""
    digest = hashlib.sha256(_group_metadata(path))
    for name in sorted(names):
        digest.update((path / name / METADATA).read_bytes())
    return digest.hexdigest()


def _group_metadata(path: Path) -> bytes:
    """Return the metadata of the group, less what equal results differ in."""
    content = (path / METADATA).read_bytes()
    try:
        group = json.loads(content)
        for name in UNSEALED:
            group["attributes"].pop(name, None)
    except (ValueError, TypeError, KeyError, AttributeError):
        return content  # damaged, which its hash will tell
    return json.dumps(group, sort_keys=True).encode()


def _digest(path: Path, names: Iterable[str]) -> str:
    """Return a hash over the checksums of all chunks: two stores that differ have other seals.

    Snakemake compares the content of the declared output, which is the seal. The last four bytes
    of a chunk are its crc32c.
    """
    digest = hashlib.sha256(_group_metadata(path))
    for name in names:
        for file in sorted((path / name).rglob("*")):
            if file.is_file():
                with file.open("rb") as opened:
                    opened.seek(-min(4, file.stat().st_size), os.SEEK_END)
                    digest.update(f"{file.relative_to(path)}".encode() + opened.read())
    return digest.hexdigest()
