"""The seal: a small file, written last, that declares a store complete."""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import zarr

from explaind import __version__
from explaind.errors import StoreError
from explaind.files import write_json
from explaind.paths import SEAL
from explaind.store.group import open_group

SCHEMA_VERSION = 1
MEASURED = "measured"  # group attribute with what differs between equal results: memory, time


def is_sealed(path: Path) -> bool:
    """Whether a complete store lies at `path`."""
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
        if array.nchunks_initialized != array.nchunks:
            raise StoreError(
                f"{path}/{name} has {array.nchunks_initialized} of {array.nchunks} chunks:"
                " not sealed."
            )
    content = {
        "schema_version": SCHEMA_VERSION,
        "arrays": {
            name: {"shape": list(array.shape), "chunks": array.nchunks}
            for name, array in arrays.items()
        },
        "digest": _digest(path, arrays),
    }
    write_json(path / SEAL, content)


def check_complete(path: Path, remedy: str) -> None:
    """Refuse a store that is not as it was sealed.

    Args:
        path: folder of a sealed store.
        remedy: what to do, for the message.

    Raises:
        StoreError: if it is of another schema version, or an array or chunk is missing.
    """
    seal = json.loads((path / SEAL).read_text(encoding="utf-8"))
    if seal.get("schema_version") != SCHEMA_VERSION:
        raise StoreError(
            f"{path} has schema version {seal.get('schema_version')}, this is explaind"
            f" {__version__} with version {SCHEMA_VERSION}.{remedy}"
        )
    group = open_group(path)
    for name, expected in seal["arrays"].items():
        array = group.get(name)
        if not isinstance(array, zarr.Array) or list(array.shape) != expected["shape"]:
            raise StoreError(f"{path}/{name} is missing or has another shape than sealed.{remedy}")
        if array.nchunks_initialized != expected["chunks"]:
            raise StoreError(
                f"{path}/{name} is truncated: expected {expected['chunks']} chunks, got"
                f" {array.nchunks_initialized}.{remedy}"
            )


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
