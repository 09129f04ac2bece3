"""One writer at a time, whatever becomes of it."""

import errno
import fcntl
import os
import signal
import subprocess
import sys
import threading

import pytest

from explaind.errors import StoreError
from explaind.store import only_writer

HOLD = """
import sys, time
from pathlib import Path
from explaind.store import only_writer
with only_writer(Path(sys.argv[1])):
    print("holding", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(path):
    """Another process that writes the store."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "holding\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_second_writer_is_refused_and_told_who_writes(path, holder):
    message = rf"{path.name} is being written by process {holder.pid} on .* Wait"
    with pytest.raises(StoreError, match=message), only_writer(path):
        pass


def test_the_lock_dies_with_its_process(path, holder):
    os.kill(holder.pid, signal.SIGKILL)
    assert holder.wait() == -signal.SIGKILL
    refused = pytest.raises(StoreError, match=f"process {os.getpid()} ")  # not the dead one
    with only_writer(path), refused, only_writer(path):
        pass


def test_a_second_writer_may_wait(path, holder):
    threading.Timer(0.3, holder.kill).start()
    with only_writer(path, wait=True):
        assert holder.wait() == -signal.SIGKILL


def test_nothing_is_left_behind_and_the_same_process_may_write_again(path):
    for _ in range(2):
        with only_writer(path):
            with pytest.raises(StoreError), only_writer(path):
                pass
            assert [file.name for file in path.parent.iterdir()] == [f".{path.name}.lock"]
    assert list(path.parent.iterdir()) == []


def test_many_threads_write_one_after_the_other(path):
    inside, most = [], []

    def write():
        for _ in range(20):
            with only_writer(path, wait=True):
                inside.append(1)
                most.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(most) == 80
    assert max(most) == 1


def test_a_filesystem_without_locks_is_named_in_a_warning(path, monkeypatch, caplog):
    def unsupported(lock, operation):
        raise OSError(errno.EOPNOTSUPP, "not supported")

    monkeypatch.setattr(fcntl, "flock", unsupported)
    with only_writer(path):
        pass
    assert "no file locks here" in caplog.text
