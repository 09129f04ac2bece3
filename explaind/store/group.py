"""Opening the zarr group of a store."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import zarr

from explaind.errors import StoreError
from explaind.store.chunks import StoreFiles


def open_group(path: Path, mode: Literal["r", "r+"] = "r") -> zarr.Group:
    """Open the group of an existing store.

    Args:
        path: folder of the store.
        mode: "r" to read; "r+" is for the writer alone.

    Raises:
        StoreError: if no zarr store lies there.
    """
    try:
        return zarr.open_group(StoreFiles(path, read_only=mode == "r"), mode=mode, zarr_format=3)
    except (FileNotFoundError, ValueError) as error:
        raise StoreError(f"{path} is not a zarr store ({error}).") from error


@contextmanager
def plain_files_allowed() -> Iterator[None]:
    """Our plain files beside the arrays (the seal, a checkpoint) are meant to be there."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Object at .* is not recognized as a component")
        yield
