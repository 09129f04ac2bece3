"""Whole stores: built under a temporary name, sealed, and moved to their place."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import xarray as xr

from explaind.store.lock import only_writer
from explaind.store.spec import ArraySpec, labels_of, spec_of
from explaind.store.writer import StoreWriter


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
    temporary = path.with_name(f".{path.name}.partial")
    with only_writer(path, wait=True):
        shutil.rmtree(temporary, ignore_errors=True)  # of a killed process
        try:
            writer = StoreWriter.create(temporary, arrays, attributes)
            yield writer
            writer.seal()
            remove_store(path)
            temporary.rename(path)
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
