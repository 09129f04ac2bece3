"""Fixtures for the trainings of the lists."""

import pytest


@pytest.fixture
def store(tmp_path):
    """Where a test records."""
    return tmp_path / "run.zarr"
