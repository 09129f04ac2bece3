"""Explanations of many samples, block by block into a store: memory is that of one block."""

from collections.abc import Mapping
from pathlib import Path
from typing import Unpack

import xarray as xr

from explaind.errors import StoreError
from explaind.kernel.completeness import WORST
from explaind.kernel.explain_options import ExplainOptions
from explaind.kernel.explanation import open_explanation
from explaind.kernel.path_kernel import PathKernel
from explaind.kernel.samples import blocks_of
from explaind.store import StoreWriter, labels_of, new_store, spec_of
from explaind.trees import Inputs, Targets


def explain_to_store(
    kernel: PathKernel,
    store: str | Path,
    x: Inputs,
    targets: Targets = None,
    *,
    together: int = 64,
    overwrite: bool = False,
    **options: Unpack[ExplainOptions],
) -> xr.Dataset:
    """Explain more samples than fit into memory together, and write them as one store.

    Each block walks over the recorded steps once. The store appears when all blocks are in it: what
    was interrupted leaves none.

    Args:
        kernel: the run.
        store: folder of the store to create.
        x: a map-style dataset or a loader of `(x, y)`, read block by block; or inputs, sample
            first.
        targets: their targets, unless `x` has them.
        together: samples that are explained at a time.
        overwrite: replace a store that exists.
        **options: as for `PathKernel.explain`.

    Returns:
        The dataset of `PathKernel.explain`, its arrays read from the store when they are used;
        attributes that say how exact it is are the largest of all blocks.

    Raises:
        StoreError: if something lies at `store` already.
    """
    path = Path(store).absolute()
    if path.exists() and not overwrite:
        raise StoreError(f"{path} exists already. Remove it, or pass overwrite=True.")
    data = kernel.data
    count, blocks = blocks_of(x, targets, together, data.collate, data.concatenated)
    first = kernel.explain(*next(blocks), **options)
    labels, arrays = labels_of(first), _arrays(first)
    specs = {name: spec_of(array, {"test": count}) for name, array in arrays.items()}
    with new_store(path, specs, {**first.attrs, "coordinates": labels}) as writer:
        _write(writer, first, 0)
        worst, done = {key: first.attrs[key] for key in WORST if key in first.attrs}, together
        for samples in blocks:
            explained = kernel.explain(*samples, **options)
            _write(writer, explained, done)
            worst = {key: max(value, explained.attrs[key]) for key, value in worst.items()}
            done += together
        writer.set_attributes(worst)
    return open_explanation(path)


def _arrays(explained: xr.Dataset) -> Mapping[str, xr.DataArray]:
    """All arrays but the labels of dimensions."""
    labels = labels_of(explained)
    return {str(n): array for n, array in explained.reset_coords().items() if n not in labels}


def _write(writer: StoreWriter, explained: xr.Dataset, start: int) -> None:
    """Write a block of samples in its place; what all blocks share is written with the first."""
    for name, array in _arrays(explained).items():
        if "test" in array.dims:
            place = {"test": slice(start, start + array.sizes["test"])}
            writer.write_region(name, place, array.values)
        elif start == 0:
            writer.write_region(name, {}, array.values)
