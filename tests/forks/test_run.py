"""A forked process does what a Python of its own does, in everything that a project sees of it."""

import os
import select
import subprocess
import sys
from pathlib import Path

import pytest

from tests.forks import client
from tests.forks.run import parent_of, run_module
from tests.workflow.project import Project

MODULE = "explaind.tried"
SECONDS_UNTIL_KILLED = 60
SLEEPS = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"


@pytest.fixture
def tried(tmp_path):
    """Makes a project whose library is one module."""

    def make(code):
        (tmp_path / "explaind").mkdir()
        (tmp_path / "explaind" / "__init__.py").touch()
        (tmp_path / "explaind" / "tried.py").write_text(code)
        return Project(tmp_path)

    return make


@pytest.mark.parametrize(
    "code",
    [
        "import sys; print(sys.argv[1:], __name__, sys.stdin.read())",
        "import os, explaind; print(os.getcwd(), explaind.__file__)",
        "import os; print([os.environ.get(name) for name in ('PYTHONPATH', 'OMP_WAIT_POLICY')])",
        "import atexit; atexit.register(print, 'last'); print('first')",
        "import os; os.system('echo from a child')",
        "import sys; sys.exit('error: why')",
        "import sys; sys.exit(3)",
        "import os, signal; os.kill(os.getpid(), signal.SIGTERM)",
    ],
)
def test_it_says_the_same_and_ends_the_same(tried, code):
    project = tried(code)
    expected = project.python("-m", MODULE, "a b", "c")
    done = run_module((MODULE, "a b", "c"), project.root)
    assert expected.stdout + expected.stderr or expected.returncode
    assert done.returncode == expected.returncode
    assert done.stdout == expected.stdout + expected.stderr


def test_an_error_that_nobody_caught_is_shown(tried):
    done = run_module((MODULE,), tried("raise ValueError('why')").root)
    assert done.returncode == 1
    assert "ValueError: why" in done.stdout


def test_it_dies_with_what_stands_for_it(tried):
    command = (sys.executable, "-I", "-S", client.__file__, parent_of("explaind").address, MODULE)
    root, output = tried(SLEEPS).root, subprocess.PIPE
    with subprocess.Popen(command, cwd=root, stdout=output, text=True) as standing:
        process = os.pidfd_open(int(standing.stdout.readline()))
        standing.kill()
    ended, _, _ = select.select([process], [], [], SECONDS_UNTIL_KILLED)
    os.close(process)
    assert ended


def test_the_parent_has_no_thread_that_a_fork_would_lose(tried):
    run_module((MODULE,), tried("").root)  # when everything is imported
    threads = Path(f"/proc/{parent_of('explaind').process.pid}/task").glob("*/comm")
    names = sorted(file.read_text().strip() for file in threads)
    assert len([name for name in names if name != "jemalloc_bg_thd"]) == 1, names
