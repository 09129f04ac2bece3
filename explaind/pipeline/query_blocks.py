"""Query blocks: the samples of a shard in blocks, each written as soon as it is explained."""

import logging
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
import xarray as xr

from explaind.kernel.completeness import WORST
from explaind.store import MEASURED, StoreWriter, labels_of, new_store, spec_of

logger = logging.getLogger(__name__)

Explain = Callable[[slice], xr.Dataset]
"""Explains these samples of the shard."""


def explain_blocks(explain: Explain, samples: int, size: int) -> Iterator[tuple[slice, xr.Dataset]]:
    """Explain a shard block by block; a block that does not fit on the GPU is halved.

    Args:
        explain: explains some samples.
        samples: number of samples of the shard.
        size: samples per block to begin with.

    Yields:
        Samples and their explanation, in order.
    """
    start = 0
    while start < samples:
        rows = slice(start, min(start + size, samples))
        explanation = _explained(explain, rows)
        if explanation is None:
            size = (rows.stop - rows.start) // 2
            logger.warning("out of memory on the GPU: going on with blocks of %d samples", size)
            continue
        yield rows, explanation
        del explanation  # not in memory beside the next
        start = rows.stop


def _explained(explain: Explain, rows: slice) -> xr.Dataset | None:
    """The explanation, or None if it did not fit and fewer samples may."""
    try:
        return explain(rows)
    except torch.OutOfMemoryError:
        if rows.stop - rows.start == 1:
            raise
    torch.cuda.empty_cache()  # here the failed call's tensors are gone
    return None


def write_blocks(
    path: Path,
    blocks: Iterator[tuple[slice, xr.Dataset]],
    samples: int,
    attributes: Mapping[str, Any],
    measured: Callable[[], Mapping[str, Any]],
) -> None:
    """Write a shard, one block in memory at a time.

    Args:
        path: the store.
        blocks: samples and their explanation, in order.
        samples: number of samples of the shard.
        attributes: group attributes beside those of the explanation.
        measured: called at the end, attributes that differ between equal results.
    """
    rows, first = next(blocks)
    total = {"test": samples}
    specs = {str(name): spec_of(array, total) for name, array in first.data_vars.items()}
    attributes = {**first.attrs, **attributes, "coordinates": labels_of(first)}
    worst = {key: first.attrs[key] for key in WORST if key in first.attrs}
    with new_store(path, specs, attributes) as writer:
        _write(writer, rows, first)
        del first
        for rows, result in blocks:
            _write(writer, rows, result)
            worst = {key: max(value, result.attrs[key]) for key, value in worst.items()}
            del result
        writer.set_attributes({**worst, MEASURED: dict(measured())})


def _write(writer: StoreWriter, rows: slice, result: xr.Dataset) -> None:
    for name, array in result.data_vars.items():
        if "test" in array.dims or rows.start == 0:
            writer.write_region(str(name), {"test": rows}, array.values)
