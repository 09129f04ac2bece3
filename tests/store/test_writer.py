"""Arrays grow by whole chunks; what is sealed stays; a whole store appears at once or never."""

import numpy as np
import pytest
import xarray as xr

from explaind.errors import StoreError
from explaind.store import ArraySpec, StoreWriter, new_store, open_sealed, write_store
from tests.store.conftest import ROWS


def test_a_store_is_created_once(path):
    StoreWriter.create(path, {"rows": ROWS}, {})
    with pytest.raises(StoreError, match="exists already"):
        StoreWriter.create(path, {"rows": ROWS}, {})


def test_sealed_store_is_not_written_to(written):
    with pytest.raises(StoreError, match="sealed"):
        StoreWriter.reopen(written)


def test_rows_grow_by_whole_chunks(path):
    writer = StoreWriter.create(path, {"rows": ROWS}, {})
    rows = np.arange(18, dtype=np.float32).reshape(6, 3)
    writer.write_rows("rows", 0, rows[:4])
    writer.write_rows("rows", 4, rows[4:])
    with pytest.raises(StoreError, match="multiple of 4"):
        writer.write_rows("rows", 6, rows[:1])
    writer.seal()
    assert (open_sealed(path).rows.to_numpy() == rows).all()


def test_truncated_rows_are_gone(path):
    writer = StoreWriter.create(path, {"rows": ROWS}, {})
    writer.write_rows("rows", 0, np.ones((8, 3), dtype=np.float32))
    writer.truncate_rows("rows", 4)
    writer.seal()
    assert open_sealed(path).rows.shape == (4, 3)


def test_rows_written_before_a_kill_are_overwritten_or_gone(path):
    killed = StoreWriter.create(path, {"rows": ROWS}, {})
    killed.write_rows("rows", 0, np.ones((12, 3), dtype=np.float32))
    writer = StoreWriter.reopen(path)
    writer.truncate_rows("rows", 4)
    writer.write_rows("rows", 4, np.zeros((3, 3), dtype=np.float32))
    writer.seal()
    assert open_sealed(path).rows.to_numpy().tolist() == [[1.0] * 3] * 4 + [[0.0] * 3] * 3


def test_rows_of_another_shape_are_refused_and_not_written(path):
    writer = StoreWriter.create(path, {"rows": ROWS}, {})
    good, bad = np.ones(3, dtype=np.float32), np.ones((1, 3), dtype=np.float32)
    with pytest.raises(StoreError, match=r"expected rows of shape \(3,\), got \(1, 3\)"):
        writer.write_rows("rows", 0, [good, bad])
    assert not (path / "rows" / "c").exists()


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
