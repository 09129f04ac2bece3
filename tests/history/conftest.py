"""A folder for a history, and a checkpointed one."""

import pytest

from tests.history.checkpointed import PROBLEMS
from tests.kernel.engine import record


@pytest.fixture
def store(tmp_path):
    return tmp_path / "run.zarr"


@pytest.fixture(scope="session")
def recorded(tmp_path_factory):
    """Store and model of `PROBLEMS["adamw"]`, a snapshot every 4 steps; leave as is."""
    folder = tmp_path_factory.mktemp("checkpointed") / "run.zarr"
    return folder, record(PROBLEMS["adamw"], folder, every=4)
