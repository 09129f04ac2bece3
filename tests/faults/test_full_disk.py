"""A full disk: a clear error, nothing that looks complete, and on it goes once there is room."""

import os
import shutil
import subprocess

import pytest

from tests.faults.conftest import RULES
from tests.faults.kills import differences
from tests.faults.stages import log_of
from tests.requirements import need

DISK_BYTES = 64 * 2**20


@pytest.fixture
def disk(tmp_path):
    """A small disk of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ("mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "explaind-test", str(folder))
    mounted = shutil.which("mount") and subprocess.run(command, check=False).returncode == 0
    need(bool(mounted), "the right to mount a tmpfs (root)")
    yield folder
    subprocess.run(("umount", str(folder)), check=True)


def assert_named_and_nothing_taken_for_data(stage, root, message):
    said = log_of(root).read_text()
    assert "error: " in said
    assert message in said
    assert "Free space and run the same command again." in said
    assert "Traceback" not in said
    assert stage.taken_for_data(root) == []


@pytest.mark.parametrize("rule", RULES)
def test_disk_full(disk, prepared, rule):
    expected = prepared(rule, disk)
    size = sum(len(content) for content in expected.contents.values())
    with (disk / "ballast").open("wb") as ballast:
        os.posix_fallocate(ballast.fileno(), 0, shutil.disk_usage(disk).free - size // 2)

    process = expected.stage.start(disk)
    process.join()

    assert process.exitcode == 1
    assert_named_and_nothing_taken_for_data(expected.stage, disk, "No space left on device")
    (disk / "ballast").unlink()
    expected.stage.run(disk)
    assert differences(expected.contents, expected.stage.contents(disk)) == []


@pytest.mark.parametrize("rule", RULES)
def test_file_size_limit(tmp_path, prepared, rule):
    root = tmp_path / "project"
    expected = prepared(rule, root)
    largest = max(len(content) for content in expected.contents.values())

    # Not far below: the log is a file too, and must hold the error.
    process = expected.stage.start(root, largest_file=largest - 1)
    process.join()

    assert process.exitcode == 1
    assert_named_and_nothing_taken_for_data(expected.stage, root, "File too large")
    expected.stage.run(root)
    assert differences(expected.contents, expected.stage.contents(root)) == []
