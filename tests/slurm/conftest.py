"""A SLURM cluster for the tests in this folder."""

import pytest

from tests.needs import unavailable
from tests.slurm.cluster import cluster, obstacle
from tests.workflow.project import Project


@pytest.fixture(scope="package")
def slurm():
    """A running cluster."""
    reason = obstacle()
    if reason is not None:
        unavailable(reason)
    with cluster():
        yield


@pytest.fixture
def project(slurm, tiny_run, tmp_path):
    """A copy of the finished tiny run, free to be changed and submitted."""
    return Project(tiny_run).copy(tmp_path)
