"""Logging and progress."""

import logging

from explaind import log


def test_progress_yields_all_and_logs_lines_where_there_is_no_terminal(monkeypatch, caplog):
    monkeypatch.setattr(log, "SECONDS_BETWEEN_LINES", -1.0)
    with caplog.at_level(logging.INFO, logger="explaind"):
        assert list(log.progress(range(3), "train")) == [0, 1, 2]
    assert [record.getMessage() for record in caplog.records] == [
        f"train: {done} of 3" for done in range(3)
    ]


def test_progress_is_quiet_between_lines(caplog):
    with caplog.at_level(logging.INFO, logger="explaind"):
        assert list(log.progress(iter("ab"), "train", total=2)) == ["a", "b"]
    assert caplog.records == []


def test_progress_on_a_terminal_is_a_bar(monkeypatch, capsys):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    assert list(log.progress(range(3), "train")) == [0, 1, 2]
    assert "train:" in capsys.readouterr().err
