"""What a test needs of the machine."""

import os
from importlib import import_module
from types import ModuleType

import pytest


def all_have_to_run() -> bool:
    """Whether a test that cannot run here is a failure (CI)."""
    return bool(os.environ.get("EXPLAIND_TEST_ALL"))


def need(found: bool, what: str) -> None:
    """Skip the test on a machine without `what`; fail where all tests have to run."""
    if not found and all_have_to_run():
        pytest.fail(f"needs {what}, and EXPLAIND_TEST_ALL is set")
    if not found:
        pytest.skip(f"needs {what}")


def library(name: str) -> ModuleType:
    """Import a library of an extra; without it skip the tests, or fail where all have to run."""
    return import_module(name) if all_have_to_run() else pytest.importorskip(name)
