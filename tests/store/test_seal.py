"""A store is whole or refused."""

import json

import numpy as np
import pytest
import xarray as xr

from explaind.errors import StoreError
from explaind.paths import SEAL
from explaind.store import MADE_WITH, MEASURED, ArraySpec, StoreWriter, is_sealed, open_sealed


def test_unsealed_store_is_refused(written):
    (written / SEAL).unlink()
    with pytest.raises(StoreError, match="not sealed"):
        open_sealed(written)


def test_a_plain_reader_is_not_warned_of_files_in_the_store(written):
    """Warnings are errors in these tests."""
    dataset = xr.open_zarr(written, consolidated=False)
    assert set(dataset) == set(open_sealed(written).reset_coords())


def test_missing_chunk_is_refused_and_not_read_as_fill_value(written):
    (written / "x" / "c" / "0" / "0").unlink()
    with pytest.raises(StoreError, match=r"x is truncated: expected 1 chunks, got 0"):
        open_sealed(written)


def test_what_a_killed_job_left_is_not_taken_for_a_chunk(written):
    chunk = written / "x" / "c" / "0" / "0"
    left = chunk.with_suffix(".123.partial")
    left.touch()
    open_sealed(written)
    chunk.unlink()
    with pytest.raises(StoreError, match=r"x is truncated: expected 1 chunks, got 0"):
        open_sealed(written)


def test_missing_array_is_refused(written):
    (written / "x" / "zarr.json").unlink()
    with pytest.raises(StoreError, match="x is missing"):
        open_sealed(written)


def test_other_schema_version_is_refused(written):
    seal = json.loads((written / SEAL).read_text())
    (written / SEAL).write_text(json.dumps({**seal, "schema_version": 99}))
    with pytest.raises(StoreError, match="schema version 99"):
        open_sealed(written)


def test_incomplete_store_cannot_be_sealed(path):
    spec = ArraySpec(("row",), (8,), (4,), "float64", "1", "numbers")
    writer = StoreWriter.create(path, {"x": spec}, {})
    writer.write_region("x", {"row": slice(0, 4)}, np.ones(4))
    with pytest.raises(StoreError, match="1 of 2 chunks"):
        writer.seal()
    assert not is_sealed(path)


def sealed_with(path, **attributes):
    writer = StoreWriter.create(path, {}, {})
    writer.set_attributes(attributes)
    writer.seal()
    return (path / SEAL).read_text()


def test_no_seal_covers_what_equal_results_differ_in(path):
    """Other values of these rerun nothing: Snakemake compares the seals."""
    plain = sealed_with(path / "a", steps=3)
    free = {MEASURED: {"peak_bytes": 5}, MADE_WITH: {"commit": "abc"}}
    assert sealed_with(path / "b", steps=3, **free) == plain
    assert open_sealed(path / "b").attrs[MADE_WITH] == {"commit": "abc"}
    assert sealed_with(path / "c", steps=4, **free) != plain
