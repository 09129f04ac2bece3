"""Fixtures for all tests."""

import gc
import logging
from pathlib import Path

import pytest
import torch
from filelock import FileLock
from hypothesis import settings
from jaxtyping import TypeCheckError

from tests.devices.simulated import register_backend
from tests.shapes import check_again
from tests.workflow.project import Project

settings.register_profile("no deadline", deadline=None)  # a busy machine is no failure
settings.load_profile("no deadline")


class Unexpected(logging.Filter):
    """Raises errors that a log takes for what cannot be done, and that no test is to hide."""

    def __init__(self, kind):
        super().__init__()
        self.kind = kind

    def filter(self, record):
        for error in record.args:
            own = type(error).__module__ == "explaind.errors"
            if isinstance(error, self.kind) and not own:
                raise AssertionError(record.getMessage())
        return record.levelno >= logging.getLogger("explaind").getEffectiveLevel()


UNEXPECTED = {
    "explaind.kernel.gradients.stacked": TypeCheckError,
    "explaind.kernel.query.queries": RuntimeError,
}
for name, kind in UNEXPECTED.items():
    logging.getLogger(name).setLevel(logging.DEBUG)
    logging.getLogger(name).addFilter(Unexpected(kind))

MARKERS = {
    "browser": "browser",
    "slurm": "cluster",
    "faults": "kills",
    "integrations": "libraries",
    "fuzz": "long",
}
"""Folder of tests -> the marker of all of them; `make test` leaves these out."""


@pytest.hookimpl(tryfirst=True)  # before pytest selects by marker
def pytest_collection_modifyitems(items):
    """Give every test the marker of its folder."""
    for item in items:
        marker = MARKERS.get(item.path.parent.name)
        if marker:
            item.add_marker(marker)


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """Modules and tests stay for good: no search for garbage while they are read, or in them."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(tryfirst=True)  # before the fixtures of a module
def pytest_runtest_setup():
    """One thread, and no more in the log than by default.

    The problems are small, and idle threads wait for each other by turning round. Set for every
    test, because one may leave more to the next: UMAP threads for each core, the command line a
    log that says what was written.
    """
    torch.set_num_threads(1)
    logging.getLogger("explaind").setLevel(logging.NOTSET)


@pytest.fixture(autouse=True, scope="session")
def _simulated_device():
    register_backend()


@pytest.fixture(autouse=True)
def _shapes_are_checked_again():
    check_again()


@pytest.fixture(autouse=True)
def _same_random_numbers_in_any_order():
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory, worker_id) -> Path:
    """Directory of a finished run of `config/tiny.yaml`, made by Snakemake; not to be changed.

    `Paths(tiny_run)` has its files; `Project(tiny_run).copy(tmp_path)` is a copy for changes.
    Processes of pytest-xdist share it: the first to come makes it.
    """
    own = tmp_path_factory.getbasetemp()
    root = (own if worker_id == "master" else own.parent) / "tiny"
    with FileLock(root.with_suffix(".lock")):
        if not root.exists():
            project = Project.create(tmp_path_factory.mktemp("unfinished"))
            project.snakemake("all")
            project.root.rename(root)
    return root


@pytest.fixture
def project(tiny_run, tmp_path):
    """A copy of the finished tiny run, free to be changed."""
    return Project(tiny_run).copy(tmp_path)
