"""Logs by step: in memory, on disk, and read again; options that do not exist."""

import pytest
import torch

from explaind.compat.log import Log, check_options
from explaind.errors import RecordingError, StoreError


def test_entries_are_written_and_read_again(tmp_path):
    file = tmp_path / "log.pt"
    log = Log(file, overwrite=False)
    log.append({"weight": torch.ones(2)})
    log.save()
    again = Log(file, overwrite=False)
    assert again.loaded
    assert torch.equal(again.entries[0]["weight"], torch.ones(2))
    with pytest.raises(RecordingError, match="those of a finished training"):
        again.append({})
    assert Log(file, overwrite=True).entries == []


def test_a_log_without_a_file_is_not_saved():
    with pytest.raises(StoreError, match="expected a checkpoint_path, got None"):
        Log(None, overwrite=False).save()


def test_options_that_do_not_exist_are_named():
    check_options("AdamW", {"device": 0}, ["device"])
    with pytest.raises(TypeError, match=r"AdamW got unexpected options \['fast', 'slow'\]"):
        check_options("AdamW", {"slow": 1, "device": 0, "fast": 1}, ["device"])
