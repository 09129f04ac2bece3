"""What a test needs of the machine."""

import os

import pytest


def need(found: bool, what: str) -> None:
    """Skip the test on a machine without `what`; fail where all tests have to run (CI)."""
    if not found and os.environ.get("EXPLAIND_TEST_ALL"):
        pytest.fail(f"needs {what}, and EXPLAIND_TEST_ALL is set")
    if not found:
        pytest.skip(f"needs {what}")
