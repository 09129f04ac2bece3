"""A file is whole or absent."""

import logging
import time

import pytest

from explaind.files import log_written, replacing, write_json, write_text


def _write_half(path):
    with replacing(path) as temporary:
        temporary.write_text("half")
        raise ZeroDivisionError


def test_failed_write_keeps_the_old_file(tmp_path):
    path = tmp_path / "folder" / "numbers.json"
    write_json(path, {"b": 1, "a": 2})
    with pytest.raises(ZeroDivisionError):
        _write_half(path)
    assert path.read_text() == '{\n  "a": 2,\n  "b": 1\n}\n'
    assert list(path.parent.iterdir()) == [path]


def test_the_log_says_what_was_written_and_how_large_it_is(tmp_path, caplog):
    with caplog.at_level(logging.INFO, logger="explaind"):
        write_text(tmp_path / "one", "x" * 2500)
        (tmp_path / "folder").mkdir()
        write_text(tmp_path / "folder" / "two", "x" * 500)
        log_written(tmp_path, time.monotonic() - 61.0)
        with replacing(tmp_path / "part of something") as temporary:
            temporary.touch()
    first, second, folder = (record.getMessage() for record in caplog.records)
    assert first.startswith(f"wrote {tmp_path}/one: 2.50kB in 0.")
    assert second.startswith(f"wrote {tmp_path}/folder/two: 500B in 0.")
    size = 2500 + 500 + (tmp_path / "folder").stat().st_size
    assert folder.startswith(f"wrote {tmp_path}: {size / 1000:.2f}kB in 61.")
