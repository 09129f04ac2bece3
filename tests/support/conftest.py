"""Fixtures for the trainings of the lists."""

import pytest
from torch.utils.checkpoint import DefaultDeviceType


@pytest.fixture(autouse=True)
def _checkpoints_on_the_cpu(monkeypatch):
    """The default is any accelerator, and the simulated one of other tests knows no autocast."""
    monkeypatch.setattr(DefaultDeviceType, "_default_device_type", "cpu")


@pytest.fixture
def store(tmp_path):
    """Where a test records."""
    return tmp_path / "run.zarr"
