"""A store is whole or refused."""

import json

import numpy as np
import pytest
import xarray as xr

from explaind.errors import StoreError
from explaind.store import (
    ArraySpec,
    StoreWriter,
    is_sealed,
    new_store,
    open_sealed,
    stored_attributes,
    write_store,
)

ROWS = ArraySpec(("step", "param"), (0, 3), (4, 3), "float32", "1", "rows")


def dataset():
    values = np.arange(12.0).reshape(4, 3)
    return xr.Dataset(
        {"x": (("row", "column"), values, {"units": "nat", "description": "numbers"})},
        coords={"column": ["a", "b", "c"]},
    )


@pytest.fixture
def path(tmp_path):
    return tmp_path / "store.zarr"


@pytest.fixture
def written(path):
    write_store(path, dataset(), {"config": {"a": {"b": 1}, "c": 2}})
    return path


def test_values_labels_units_and_attributes_come_back(written):
    found = open_sealed(written)
    assert found.x.to_numpy().tolist() == dataset().x.to_numpy().tolist()
    assert found.column.to_numpy().tolist() == ["a", "b", "c"]
    assert found.x.attrs["units"] == "nat"
    assert found.attrs["config"] == {"a": {"b": 1}, "c": 2}


def test_missing_store_names_the_rule_to_run(path):
    with pytest.raises(StoreError, match=r"does not exist.*`train`"):
        open_sealed(path, rule="train")


def test_unsealed_store_is_refused(written):
    (written / "seal.json").unlink()
    with pytest.raises(StoreError, match="not sealed"):
        open_sealed(written)


def test_missing_chunk_is_refused_and_not_read_as_fill_value(written):
    (written / "x" / "c" / "0" / "0").unlink()
    with pytest.raises(StoreError, match=r"x is truncated: expected 1 chunks, got 0"):
        open_sealed(written)


def test_missing_array_is_refused(written):
    (written / "x" / "zarr.json").unlink()
    with pytest.raises(StoreError, match="x is missing"):
        open_sealed(written)


def test_flipped_byte_is_detected(written):
    chunk = next(file for file in (written / "x" / "c").rglob("*") if file.is_file())
    content = bytearray(chunk.read_bytes())
    content[7] ^= 1
    chunk.write_bytes(content)
    with pytest.raises(ValueError, match="checksum"):
        open_sealed(written).x.load()


def test_other_schema_version_is_refused(written):
    seal = json.loads((written / "seal.json").read_text())
    (written / "seal.json").write_text(json.dumps({**seal, "schema_version": 99}))
    with pytest.raises(StoreError, match="schema version 99"):
        open_sealed(written)


def test_other_config_is_refused_and_the_key_named(written):
    open_sealed(written, {"a": {"b": 1}, "c": 2})
    with pytest.raises(StoreError, match=r"a\.b is 1, now 5"):
        open_sealed(written, {"a": {"b": 5}, "c": 2})


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


def test_incomplete_store_cannot_be_sealed(path):
    spec = ArraySpec(("row",), (8,), (4,), "float64", "1", "numbers")
    writer = StoreWriter.create(path, {"x": spec}, {})
    writer.write_region("x", {"row": slice(0, 4)}, np.ones(4))
    with pytest.raises(StoreError, match="1 of 2 chunks"):
        writer.seal()
    assert not is_sealed(path)


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


def test_attributes_of_an_unsealed_store_can_be_read(path):
    assert stored_attributes(path) == {}
    StoreWriter.create(path, {"rows": ROWS}, {"config": {"a": 1}})
    assert stored_attributes(path)["config"] == {"a": 1}
