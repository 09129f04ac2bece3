"""Snakemake in processes forked from one that has imported it: half the time of a dry run.

The parent imports nothing of explaind: a child takes that from the project it runs in. As a script
this is the parent: it reads one request a line and answers each with the exit status.
"""

import json
import os
import runpy
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

IMPORTED_FIRST = ("pandas", "pydantic", "smart_open", "snakemake.cli", "snakemake.report", "yte")


def run_snakemake(
    arguments: tuple[str, ...], root: Path, environment: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run `python -m snakemake` in a project, with its library.

    Args:
        arguments: of Snakemake.
        root: the project.
        environment: all variables of the process.
    """
    with tempfile.NamedTemporaryFile("r") as output:
        request = {
            "arguments": arguments,
            "root": str(root),
            "environment": environment,
            "output": output.name,
        }
        parent = _parent()
        parent.stdin.write(f"{json.dumps(request)}\n")
        parent.stdin.flush()
        status = int(parent.stdout.readline())
        return subprocess.CompletedProcess(arguments, status, output.read(), "")


@cache
def _parent() -> subprocess.Popen[str]:
    """The process that forks; it ends when this one does and its input is closed."""
    command = [sys.executable, "-P", __file__]
    pipe = subprocess.PIPE
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=environment)


def _child(request: dict) -> None:
    """Be `python -m snakemake`; does not return."""
    os.chdir(request["root"])
    os.environ.clear()
    os.environ.update(request["environment"])
    output = os.open(request["output"], os.O_WRONLY | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(output, stream)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.path[:0] = ["", request["root"]]
    sys.argv = ["snakemake", *request["arguments"]]
    runpy.run_module("snakemake", run_name="__main__", alter_sys=True)


def main() -> None:
    """Answer requests until the input ends."""
    for module in IMPORTED_FIRST:
        __import__(module)
    for line in sys.stdin:
        child = os.fork()
        if not child:
            _child(json.loads(line))
            sys.exit()
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
