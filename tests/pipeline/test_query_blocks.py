"""Query blocks of a shard, and what happens when one does not fit on the GPU."""

import gc
import logging
import weakref

import numpy as np
import pytest
import torch
import xarray as xr

from explaind.pipeline.query_blocks import explain_blocks, write_blocks
from explaind.store import open_sealed

TOTAL = 11


def explain(rows):
    """What depends on the sample, and what all blocks share."""
    arrays = {
        "x": (("step", "test"), np.outer([1.0, 2.0], np.arange(rows.start, rows.stop))),
        "y": (("train",), np.arange(3.0)),
    }
    dataset = xr.Dataset({name: (*array, {"units": "nat"}) for name, array in arrays.items()})
    return dataset.assign_attrs(completeness_error=rows.start / 10, precision_error=0.0)


class SmallGpu:
    """Fits so many samples."""

    def __init__(self, fits):
        self.fits, self.tried = fits, []

    def __call__(self, rows):
        self.tried.append(rows.stop - rows.start)
        if rows.stop - rows.start > self.fits:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return explain(rows)


def written(path, explained, size):
    found = explain_blocks(explained, TOTAL, size)
    write_blocks(path, found, TOTAL, {"stage": "test"}, lambda: {"peak_bytes": 1})
    return open_sealed(path).load()


@pytest.mark.parametrize("size", [1, 4, 11, 50])
def test_all_samples_are_written_once(tmp_path, size):
    store = written(tmp_path / "a.zarr", explain, size)
    np.testing.assert_array_equal(store["x"], np.outer([1.0, 2.0], np.arange(TOTAL)))
    np.testing.assert_array_equal(store["y"], np.arange(3.0))
    last = (TOTAL - 1) // size * size
    assert store.attrs["completeness_error"] == last / 10  # the worst of all blocks
    assert store.attrs["measured"] == {"peak_bytes": 1}


def test_a_block_that_does_not_fit_is_halved_and_said(tmp_path, caplog):
    whole = written(tmp_path / "a.zarr", explain, TOTAL)
    gpu = SmallGpu(fits=3)
    with caplog.at_level(logging.WARNING, logger="explaind"):
        halved = written(tmp_path / "b.zarr", gpu, 8)
    xr.testing.assert_equal(halved, whole)
    assert gpu.tried == [8, 4, 2, 2, 2, 2, 2, 1]
    assert "going on with blocks of 4 samples" in caplog.text
    assert "going on with blocks of 2 samples" in caplog.text


def test_one_sample_that_does_not_fit_is_an_error():
    gpu = SmallGpu(fits=0)
    with pytest.raises(torch.OutOfMemoryError):
        list(explain_blocks(gpu, TOTAL, 4))
    assert gpu.tried == [4, 2, 1]


def test_a_block_is_not_in_memory_beside_the_next():
    alive = []

    def explained(rows):
        gc.collect()
        assert [ref() for ref in alive if ref() is not None] == []
        found = explain(rows)
        alive.append(weakref.ref(found))
        return found

    for _, found in explain_blocks(explained, TOTAL, 4):
        del found
    assert len(alive) == 3
