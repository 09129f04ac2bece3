"""Chunks encoded here are, byte for byte, those that zarr writes."""

import tempfile
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pytest
import zarr
from hypothesis import given
from hypothesis.extra.numpy import arrays

from explaind.store import ArraySpec, StoreWriter
from explaind.store.encoding import compressors, decode, fill_value

KINDS = ("float32", "float64", "int32", "int64")


@st.composite
def cases(draw):
    """Rows of any stored type, and the length of a chunk of them."""
    shape = draw(st.tuples(st.integers(1, 9), st.integers(1, 3)) | st.tuples(st.integers(1, 9)))
    rows = draw(arrays(np.dtype(draw(st.sampled_from(KINDS))), shape))
    return rows, draw(st.integers(1, 5))


@given(case=cases(), apart=st.booleans())
def test_files_are_those_of_zarr(case, apart):
    rows, length = case
    chunks = (length, *rows.shape[1:])
    with tempfile.TemporaryDirectory() as folder:
        ours, theirs = Path(folder, "ours"), Path(folder, "theirs")
        spec = ArraySpec(
            ("row", "number")[: rows.ndim], (0, *rows.shape[1:]), chunks, rows.dtype.name, "1", ""
        )
        writer = StoreWriter.create(ours, {"rows": spec}, {})
        writer.write_rows("rows", 0, [np.array(row) for row in rows] if apart else rows)
        writer.seal()
        zarr.create_array(
            theirs,
            data=rows,
            chunks=chunks,
            compressors=compressors(rows.dtype.name),
            fill_value=fill_value(rows.dtype.name),
            config={"write_empty_chunks": True},
        )
        found = _chunks(ours / "rows")
        assert found == _chunks(theirs)
        first = decode(found[min(found)], rows.dtype.name)[: rows[:length].size]
        np.testing.assert_array_equal(first, rows[:length].reshape(-1))


@pytest.mark.parametrize("kind", KINDS)
def test_rows_of_another_type_are_stored_in_that_of_the_array(tmp_path, kind):
    spec = ArraySpec(("row",), (0,), (2,), kind, "1", "")
    writer = StoreWriter.create(tmp_path / "store", {"rows": spec}, {})
    writer.write_rows("rows", 0, np.arange(3, dtype=np.int16))
    writer.seal()
    found = zarr.open_array(tmp_path / "store" / "rows", mode="r")
    assert found.dtype == kind
    assert found[:].tolist() == [0, 1, 2]


def _chunks(path):
    files = [file for file in (path / "c").rglob("*") if file.is_file()]
    return {file.relative_to(path).as_posix(): file.read_bytes() for file in files}
