"""A SLURM cluster for the tests in this folder."""

import pytest

from tests.requirements import need
from tests.slurm.cluster import cluster, lacking
from tests.workflow.project import Project


@pytest.fixture(scope="package")
def slurm():
    """A running cluster."""
    what = lacking()
    need(not what, what)
    with cluster():
        yield


@pytest.fixture
def project(slurm, tiny_run, tmp_path):
    """A copy of the finished tiny run, free to be changed and submitted."""
    return Project(tiny_run).copy(tmp_path)
