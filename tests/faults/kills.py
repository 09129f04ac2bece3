"""Kill every rule at random moments, start it again, and compare with an undisturbed run.

python -m tests.faults.kills --kills 60 --seed 1
"""

import random
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from tests.faults.stages import STAGES, Stage, warm_up, write_config

ATTEMPTS = 20  # a moment may come too late, when the rule has finished: the next one is earlier


@dataclass(frozen=True)
class Undisturbed:
    """A rule that ran in peace: how long it took, and every byte of its outputs by file."""

    stage: Stage
    seconds: float
    contents: dict[str, bytes]


def run_in_peace(root: Path, stages: Sequence[Stage]) -> list[Undisturbed]:
    """Run the rules one after the other below a new project directory."""
    write_config(root)
    warm_up()
    done = []
    for stage in stages:
        start = time.perf_counter()
        stage.run(root)
        seconds = time.perf_counter() - start
        done.append(Undisturbed(stage, seconds, stage.contents(root)))
    return done


def run_with_kills(
    root: Path, expected: Sequence[Undisturbed], kills: int, moments: random.Random
) -> None:
    """Run the rules, each killed so many times while it runs before it may finish.

    Args:
        root: a new project directory.
        expected: the rules as they ran in peace.
        kills: kills of each rule.
        moments: draws the moments.
    """
    write_config(root)
    for peaceful in expected:
        for _ in range(kills):
            kill_once(root, peaceful, moments)
        peaceful.stage.run(root)
        assert differences(peaceful.contents, peaceful.stage.contents(root)) == []


def kill_once(root: Path, expected: Undisturbed, moments: random.Random) -> None:
    """Kill a rule while it runs; what could be read afterwards is that of the undisturbed run."""
    stage = expected.stage
    for attempt in range(ATTEMPTS):
        latest = expected.seconds * 0.8**attempt
        struck = kill(stage, root, moments.uniform(0, latest))
        found = stage.contents(root)
        for output in stage.taken_for_data(root):
            of_output = [
                {name: content for name, content in contents.items() if _is_of(name, output)}
                for contents in (expected.contents, found)
            ]
            assert differences(*of_output) == [], f"{output} can be read after a kill, and differs"
        if struck:
            return
    raise AssertionError(f"{stage.command} always ended before it was killed")


def kill(stage: Stage, root: Path, delay: float) -> bool:
    """Start a rule and kill it after so many seconds; returns whether it was still running."""
    process = stage.start(root)
    process.join(delay)
    struck = process.is_alive()
    process.kill()
    process.join()
    return struck


def differences(expected: dict[str, bytes], found: dict[str, bytes]) -> list[str]:
    """Names of the files that only one side has, or that differ."""
    names = expected.keys() | found.keys()
    return sorted(name for name in names if expected.get(name) != found.get(name))


def _is_of(name: str, output: Path) -> bool:
    return Path(name).is_relative_to(output)


def main(
    kills: Annotated[int, typer.Option(help="Kills, at least; shared evenly by the rules.")] = 60,
    seed: Annotated[int, typer.Option(help="Of the moments.")] = 0,
) -> None:
    """Kill every rule again and again; stops with an error if an output is not as it should be."""
    each = -(-kills // len(STAGES))
    with tempfile.TemporaryDirectory() as folder:
        expected = run_in_peace(Path(folder, "in peace"), STAGES)
        run_with_kills(Path(folder, "killed"), expected, each, random.Random(seed))
    for peaceful in expected:
        sys.stdout.write(f"{each} kills in {peaceful.seconds:.2f} s: {peaceful.stage.command}\n")
    sys.stdout.write(f"{each * len(STAGES)} kills; every output equals the undisturbed one\n")


if __name__ == "__main__":
    typer.run(main)
