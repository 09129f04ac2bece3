"""A small store, and damage to it."""

from contextlib import contextmanager

import numpy as np
import pytest
import xarray as xr

from explaind.store import ArraySpec, write_store

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


@contextmanager
def flip(file, position=7, bit=0):
    """Change one bit of a file while the block runs."""
    before = file.read_bytes()
    content = bytearray(before)
    content[position] ^= 1 << bit
    file.write_bytes(content)
    try:
        yield
    finally:
        file.write_bytes(before)
