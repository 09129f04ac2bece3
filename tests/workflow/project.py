"""A copy of the workflow, its config and the library, to run and to edit."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests.forks.run import THREADS, run_module

REPOSITORY = Path(__file__).parents[2]
PARTS = ("config", "explaind", "workflow")
TINY = ("--configfile", "config/tiny.yaml")


@dataclass(frozen=True)
class Project:
    """One project directory.

    Attributes:
        root: holds copies of `config/`, `explaind/` and `workflow/`, and the results.
    """

    root: Path

    @classmethod
    def create(cls, root: Path) -> "Project":
        """Copy what the repository holds to an empty directory."""
        for part in PARTS:
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(REPOSITORY / part, root / part, ignore=ignored)
        return cls(root)

    def copy(self, root: Path) -> "Project":
        """Copy everything, results and times included, to an empty directory.

        But for what another process is writing at the moment, and will have renamed.
        """
        unfinished = shutil.ignore_patterns("*.partial")
        shutil.copytree(self.root, root, dirs_exist_ok=True, ignore=unfinished)
        return Project(root)

    def snakemake(self, *arguments: str, fails: bool = False) -> str:
        """Run Snakemake on the tiny case; returns what it wrote."""
        return self.call("snakemake", *TINY, "--cores", "2", *arguments, fails=fails)

    def explaind(self, *arguments: str, fails: bool = False) -> str:
        """Run the command line; returns what it wrote."""
        return self.call("explaind", *arguments, fails=fails)

    def shell(self, command: str, fails: bool = False) -> str:
        """Run a command as a user types it; returns what it wrote."""
        program, *arguments = shlex.split(command)
        return self.call(program, *arguments, fails=fails)

    def planned(self, *arguments: str) -> dict[str, int]:
        """How often Snakemake would run which rule, without `all` itself."""
        output = self.snakemake("--dry-run", *arguments, "--", "all")
        if "Nothing to be done" in output:
            return {}
        jobs = Counter(dict(re.findall(r"^(\w+) +(\d+)$", output, flags=re.MULTILINE)))
        assert {"total", "all"} <= set(jobs), output
        return {rule: int(count) for rule, count in jobs.items() if rule not in {"total", "all"}}

    def replace(self, file: str, old: str, new: str) -> None:
        """Edit a file; `old` must occur once."""
        text = (self.root / file).read_text()
        assert text.count(old) == 1, f"{file} has {text.count(old)} times {old!r}"
        (self.root / file).write_text(text.replace(old, new))

    def append(self, file: str, text: str) -> None:
        """Add text at the end of a file."""
        with (self.root / file).open("a") as opened:
            opened.write(text)

    def python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a Python of its own with the library of this project."""
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.root,
            env=os.environ | THREADS | {"PYTHONPATH": str(self.root)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def call(self, *arguments: str, fails: bool = False) -> str:
        """Run `python -m` with the library of this project; returns what it wrote."""
        done = run_module(arguments, self.root)
        assert (done.returncode != 0) == fails, done.stdout
        return done.stdout
