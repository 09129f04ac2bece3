"""What a user waits for before anything is computed: the import, and the list of commands.

    python -m benchmarks.startup [--repeats 9]

Each is a process of its own, beside one of Python alone. Of the repeats the fastest counts; time by
the clock grows with whatever else the machine does, processor time hardly does.
"""

import os
import subprocess
import sys
import time
from typing import Annotated

import pandas as pd
import typer

COMMANDS = {
    "python": ("-c", "pass"),
    "import explaind": ("-c", "import explaind"),
    "explaind --help": ("-m", "explaind", "--help"),
}


def measured(arguments: tuple[str, ...]) -> tuple[float, float]:
    """Run Python once; returns seconds by the clock and of the processor."""
    before, start = os.times(), time.perf_counter()
    subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=True)
    elapsed, after = time.perf_counter() - start, os.times()
    spent = after.children_user + after.children_system
    return elapsed, spent - before.children_user - before.children_system


def main(repeats: Annotated[int, typer.Option(min=1, help="Of each, in turns.")] = 9) -> None:
    """Print the table."""
    rounds = [{name: measured(run) for name, run in COMMANDS.items()} for _ in range(repeats)]
    rows = [
        (name, *(min(times) for times in zip(*(done[name] for done in rounds), strict=True)))
        for name in COMMANDS
    ]
    table = pd.DataFrame(rows, columns=["", "seconds", "of the processor"])
    typer.echo(table.round(2).to_string(index=False))


if __name__ == "__main__":
    typer.run(main)
