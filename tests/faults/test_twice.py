"""The same job started twice at once."""

import time

import pytest

from explaind.history.state import CHECKPOINT
from tests.faults.kills import differences
from tests.faults.stages import log_of


@pytest.mark.parametrize("rule", ["prepare-dataset", "predict-epk", "validate-epk"])
def test_both_copies_end_well_and_the_store_is_whole(tmp_path, prepared, rule):
    root = tmp_path / "project"
    expected = prepared(rule, root)
    both = [expected.stage.start(root) for _ in range(2)]
    for process in both:
        process.join()
    assert [process.exitcode for process in both] == [0, 0], log_of(root).read_text()
    assert differences(expected.contents, expected.stage.contents(root)) == []
    assert [file.name for file in root.rglob(".*")] == []  # no lock, nothing unfinished


def test_a_second_training_of_a_run_is_refused_and_does_not_disturb_the_first(tmp_path, prepared):
    root = tmp_path / "project"
    expected = prepared("train", root)
    history = root / expected.stage.outputs[0]
    first = expected.stage.start(root)
    while not (history / CHECKPOINT).exists() and first.is_alive():
        time.sleep(0.002)

    second = expected.stage.start(root)
    second.join()

    said = log_of(root).read_text()
    assert first.is_alive()
    assert second.exitcode == 1
    assert f"{history} is being written by process {first.pid}" in said
    assert "Traceback" not in said
    first.join()
    assert first.exitcode == 0
    assert differences(expected.contents, expected.stage.contents(root)) == []
