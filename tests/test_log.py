"""Logging and progress."""

import logging
import subprocess
import sys

from explaind import log

SENT_TO_A_FILE = """
import logging, pathlib, subprocess, sys
from explaind import log
log.SECONDS_BETWEEN_LINES = -1.0
log.configure_logging()
log.send_output_to(pathlib.Path(sys.argv[1]))
logging.getLogger("explaind.else").info("a message")
print("from print")
list(log.progress(range(2), "train"))
subprocess.run(["echo", "from a child"])
"""


def test_progress_yields_all_and_logs_lines_where_there_is_no_terminal(monkeypatch, caplog):
    monkeypatch.setattr(log, "SECONDS_BETWEEN_LINES", -1.0)
    with caplog.at_level(logging.INFO, logger="explaind"):
        assert list(log.progress(range(3), "train")) == [0, 1, 2]
    assert [record.getMessage() for record in caplog.records] == [
        "train: 0 of 3, 0%",
        "train: 1 of 3, 33%, 00:00 left",
        "train: 2 of 3, 67%, 00:00 left",
    ]


def test_the_time_left_is_that_of_the_rest_at_the_same_speed(monkeypatch, caplog):
    clock = iter([0.0, 10.0, 40.0, 75.0, 80.0])  # seconds at the start and at every item
    monkeypatch.setattr(log.time, "monotonic", lambda: next(clock))
    with caplog.at_level(logging.INFO, logger="explaind"):
        assert list(log.progress(range(4), "train")) == [0, 1, 2, 3]
    assert [record.getMessage() for record in caplog.records] == [
        "train: 1 of 4, 25%, 02:00 left",  # 40 s for one
        "train: 2 of 4, 50%, 01:15 left",
    ]


def test_items_that_cannot_be_counted_have_no_share(monkeypatch, caplog):
    monkeypatch.setattr(log, "SECONDS_BETWEEN_LINES", -1.0)
    with caplog.at_level(logging.INFO, logger="explaind"):
        assert list(log.progress(iter("ab"), "read")) == ["a", "b"]
    assert [record.getMessage() for record in caplog.records] == ["read: 0 done", "read: 1 done"]


def test_progress_goes_to_the_terminal_too_and_all_else_to_the_file(tmp_path):
    file = tmp_path / "logs" / "train" / "grokking.log"
    done = subprocess.run(
        [sys.executable, "-c", SENT_TO_A_FILE, str(file)],
        capture_output=True,
        text=True,
        check=True,
    )
    line = "train: 1 of 2, 50%, 00:00 left\n"
    assert (done.stdout, done.stderr) == (
        "",
        f"train/grokking train: 0 of 2, 0%\ntrain/grokking {line}",
    )
    written = file.read_text()
    assert line in written
    for text in ("a message", "from print", "from a child"):
        assert text in written


def test_progress_is_quiet_between_lines(caplog):
    with caplog.at_level(logging.INFO, logger="explaind"):
        assert list(log.progress(iter("ab"), "train", total=2)) == ["a", "b"]
    assert caplog.records == []


def test_progress_on_a_terminal_is_a_bar(monkeypatch, capsys):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    assert list(log.progress(range(3), "train")) == [0, 1, 2]
    assert "train:" in capsys.readouterr().err
