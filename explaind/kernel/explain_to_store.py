"""Explanations of many samples, block by block into a store: memory is that of one block."""

import shutil
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from numbers import Integral
from pathlib import Path
from typing import Any, Unpack

import xarray as xr

from explaind.errors import StoreError
from explaind.history.checksums import vector_checksum, whole_checksum
from explaind.kernel.completeness import WORST
from explaind.kernel.explain_options import ExplainOptions
from explaind.kernel.explanation import open_explanation
from explaind.kernel.path_kernel import PathKernel
from explaind.kernel.samples import blocks_of
from explaind.store import (
    StoreWriter,
    is_sealed,
    labels_of,
    new_store,
    only_writer,
    open_sealed,
    spec_of,
    write_store,
)
from explaind.trees import Inputs, Targets, collated

ASKED = "asked"
"""Attribute of a block: what was explained."""


def explain_to_store(
    kernel: PathKernel,
    store: str | Path,
    x: Inputs,
    targets: Targets = None,
    *,
    together: int = 64,
    overwrite: bool = False,
    resume: bool = False,
    **options: Unpack[ExplainOptions],
) -> xr.Dataset:
    """Explain more samples than fit into memory together, and write them as one store.

    Each block walks over the recorded steps once, and is kept beside the store until all of them
    are there: then the store appears, and they go. The disk holds everything twice for a moment.

    Args:
        kernel: the run.
        store: folder of the store to create.
        x: a map-style dataset or a loader of `(x, y)`, read block by block; or inputs, sample
            first.
        targets: their targets, unless `x` has them.
        together: samples that are explained at a time.
        overwrite: replace a store that exists.
        resume: go on with the blocks of a call that was interrupted. Run, samples and options are
            compared; of a function only its name can be.
        **options: as for `PathKernel.explain`.

    Returns:
        The dataset of `PathKernel.explain`, its arrays read from the store when they are used;
        attributes that say how exact it is are the largest of all blocks.

    Raises:
        StoreError: if something lies at `store` already, or blocks to go on with are of another
            run, other samples or options.
    """
    path = Path(store).absolute()
    folder = path.with_name(f".{path.name}.blocks")
    with only_writer(folder, wait=True):
        if path.exists() and not overwrite:
            raise StoreError(f"{path} exists already. Remove it, or pass overwrite=True.")
        if not resume:
            shutil.rmtree(folder, ignore_errors=True)
        data = kernel.data
        count, blocks = blocks_of(x, targets, together, data.collate, data.concatenated)
        asked, written = _asked(kernel, options), list[Path]()
        for samples in blocks:
            block = folder / f"{len(written)}.zarr"
            about = {**asked, "samples": whole_checksum(*collated(samples))}
            if is_sealed(block):
                _check_same(block, about)
            else:
                explained = kernel.explain(*samples, **options)
                write_store(block, explained, {**explained.attrs, ASKED: about})
            written.append(block)
        _join(path, written, count)
        shutil.rmtree(folder)
    return open_explanation(path)


def _asked(kernel: PathKernel, options: Mapping[str, Any]) -> dict[str, Any]:
    """What is explained of which run, in words and numbers that a file keeps."""
    history = kernel.history
    trained = vector_checksum(history.theta(history.steps).cpu().numpy())
    said = {name: _said(option) for name, option in options.items()}
    return {"steps": history.steps, "trained": trained, "options": said}


def _said(option: object) -> object:
    """An option as a file keeps it."""
    if option is None or isinstance(option, str):
        return option
    if isinstance(option, Integral):  # of numpy, too
        return int(option)
    if callable(option):
        return str(getattr(option, "__qualname__", type(option).__qualname__))
    assert isinstance(option, Iterable)
    found = [str(one) for one in option]
    return sorted(found) if isinstance(option, AbstractSet) else found


def _check_same(block: Path, asked: Mapping[str, Any]) -> None:
    """Refuse a block of another question."""
    before = open_sealed(block).attrs.get(ASKED, {})
    differ = [name for name, value in asked.items() if before.get(name) != value]
    if differ:
        raise StoreError(
            f"resume: {block} was explained with other {', '.join(differ)}: expected"
            f" {[asked[name] for name in differ]}, got {[before.get(name) for name in differ]}."
            " Call as before the interruption, or without resume."
        )


def _join(path: Path, blocks: list[Path], count: int) -> None:
    """Write the blocks as one store."""
    first = open_sealed(blocks[0])
    arrays, labels = _arrays(first), labels_of(first)
    attributes = {name: value for name, value in first.attrs.items() if name != ASKED}
    specs = {name: spec_of(array, {"test": count}) for name, array in arrays.items()}
    with new_store(path, specs, {**attributes, "coordinates": labels}) as writer:
        done, worst = 0, {name: attributes[name] for name in WORST if name in attributes}
        for block in blocks:
            explained = open_sealed(block)
            _check_alike(explained, attributes)
            _write(writer, explained, done)
            worst = {name: max(value, explained.attrs[name]) for name, value in worst.items()}
            done += explained.sizes["test"]
        writer.set_attributes(worst)


def _check_alike(explained: xr.Dataset, attributes: Mapping[str, Any]) -> None:
    """Refuse blocks that were worked out in different ways: by another quadrature, say."""
    for name, value in attributes.items():
        if name not in WORST and explained.attrs[name] != value:
            raise StoreError(
                f"resume: the blocks differ in {name}, {value!r} and {explained.attrs[name]!r}."
                " Explain with the kernel of the interrupted call, or without resume."
            )


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
