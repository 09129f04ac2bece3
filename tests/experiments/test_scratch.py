"""The folder of an experiment: empty before, gone after, for one process."""

import pytest

from explaind.errors import StoreError
from explaind.experiments.scratch import scratch_folder


def test_what_a_killed_process_left_is_removed(tmp_path):
    left = tmp_path / ".noise.scratch" / "history.zarr"
    left.mkdir(parents=True)
    with scratch_folder(tmp_path / "noise.parquet") as folder:
        assert folder == left.parent
        assert not folder.exists()
        folder.mkdir()
    assert list(tmp_path.iterdir()) == []


def fail_in(table):
    with scratch_folder(table) as folder:
        folder.mkdir()
        raise ZeroDivisionError


def test_it_is_gone_after_a_failure(tmp_path):
    with pytest.raises(ZeroDivisionError):
        fail_in(tmp_path / "a.parquet")
    assert list(tmp_path.iterdir()) == []


def test_two_at_once_are_refused(tmp_path):
    with scratch_folder(tmp_path / "a.parquet") as folder:
        folder.mkdir()
        with pytest.raises(StoreError), scratch_folder(tmp_path / "a.parquet"):
            pass
        assert folder.exists()
