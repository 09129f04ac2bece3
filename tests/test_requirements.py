"""Tests that cannot run are skipped, but not where all have to run."""

import json

import pytest

from tests.requirements import library, need

SKIPPED = pytest.skip.Exception
FAILED = pytest.fail.Exception


def test_what_is_missing_is_skipped_or_fails(monkeypatch):
    monkeypatch.delenv("EXPLAIND_TEST_ALL", raising=False)
    with pytest.raises(SKIPPED, match="no_such_library"):
        library("no_such_library")
    with pytest.raises(SKIPPED, match="needs a browser"):
        need(False, "a browser")
    monkeypatch.setenv("EXPLAIND_TEST_ALL", "1")
    with pytest.raises(ModuleNotFoundError, match="no_such_library"):
        library("no_such_library")
    with pytest.raises(FAILED, match="needs a browser"):
        need(False, "a browser")


@pytest.mark.parametrize("everything", ["", "1"])
def test_what_is_there_is_used(everything, monkeypatch):
    monkeypatch.setenv("EXPLAIND_TEST_ALL", everything)
    need(True, "a browser")
    assert library("json") is json
