"""A store appears at once or not at all."""

import numpy as np
import pytest
import xarray as xr

from explaind.store import ArraySpec, new_store, open_sealed, write_store


def test_failed_rewrite_leaves_the_old_store_and_nothing_else(written):
    spec = ArraySpec(("row",), (1,), (1,), "float64", "1", "numbers")
    with pytest.raises(ZeroDivisionError), new_store(written, {"x": spec}, {}):
        raise ZeroDivisionError
    assert open_sealed(written).x.shape == (4, 3)
    assert [file.name for file in written.parent.iterdir()] == [written.name]


def test_a_chunk_equal_to_the_fill_value_counts_as_written(path):
    zeros = xr.Dataset({"x": (("row",), np.zeros(3, dtype=np.int64))})
    write_store(path, zeros, {})
    assert open_sealed(path).x.to_numpy().tolist() == [0, 0, 0]
