"""Fixtures of the workflow tests."""

import pytest

from tests.workflow.project import Project


@pytest.fixture
def project(tiny_run, tmp_path):
    """A copy of the finished tiny run, free to be changed."""
    return Project(tiny_run).copy(tmp_path)
