"""Time, memory and error of the engine against the published algorithm, and how both costs grow.

    python -m benchmarks.epk [--threads 2] [--repeats 3]

Every measurement runs in a process of its own. The methods take turns on the same problem; the
tables give medians and ratios. Minutes on two quiet cores; on a busy machine the numbers mean
nothing.
"""

import math
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Annotated

import torch
import typer

from benchmarks.measure import FINE, run
from benchmarks.problem import Size, parameters

SMALL = Size()
LARGE = Size(queries=100, samples=800, mlp_width=512, steps=10, p=67)
MINI_BATCH = replace(LARGE, samples=1000, batch_size=400)

METHODS = ("engine", "engine_fine", "published")

Extent = Callable[[Size], float]
GROWTH: tuple[tuple[str, Size, str, Extent], ...] = (
    ("queries Q", LARGE, "queries", lambda size: size.queries),
    ("samples N, full batch", LARGE, "samples", lambda size: size.samples),
    ("parameters P", LARGE, "mlp_width", parameters),
    ("steps S", LARGE, "steps", lambda size: size.steps),
    ("batch B", MINI_BATCH, "batch_size", lambda size: size.batch_size or 0),
    ("samples N, mini-batch", MINI_BATCH, "samples", lambda size: size.samples),
)
"""What is doubled: its name, the size it starts from, the field to double, and its extent."""


def side_by_side(threads: int, repeats: int) -> Iterator[str]:
    """Engine and published algorithm in turns on one problem, as lines of a table."""
    with tempfile.TemporaryDirectory() as folder:
        files = {name: f"{folder}/{name}.pt" for name in (*METHODS, "reference")}
        turns = [
            {name: run(name, SMALL, threads, files[name]) for name in METHODS}
            for _ in range(repeats)
        ]
        run("reference", SMALL, threads, files["reference"])
        found = {name: torch.load(file, weights_only=True) for name, file in files.items()}
    scale = found["reference"].abs().max()
    error = {
        name: float((found[name] - found["reference"]).abs().max() / scale) for name in METHODS
    }
    seconds, peak = (
        {name: statistics.median(turn[name][key] for turn in turns) for name in METHODS}
        for key in ("seconds", "bytes")
    )
    fine = f"{FINE} subintervals"
    yield f"| | engine | {fine} | published | published / engine | published / {fine} |"
    yield "|---|---|---|---|---|---|"
    yield _compared("time per step, ms", seconds, 1e3 / SMALL.steps, ".1f")
    yield _compared("peak memory, MiB", peak, 2**-20, ".1f")
    yield _compared("max error / max influence", error, 1.0, ".1e")


def growth(threads: int, repeats: int) -> Iterator[str]:
    """Time and memory of a run when one extent is doubled alone, as lines of a table."""
    yield "| doubled alone | time | exponent | peak memory | exponent |"
    yield "|---|---|---|---|---|"
    base = {size: _medians(size, threads, repeats) for size in (LARGE, MINI_BATCH)}
    for name, start, field, extent in GROWTH:
        doubled = replace(start, **{field: 2 * getattr(start, field)})
        power = math.log2(extent(doubled) / extent(start))
        found = _medians(doubled, threads, repeats)
        cells = [
            f"x {after / before:.2f} | {math.log2(after / before) / power:.2f}"
            for after, before in zip(found, base[start], strict=True)
        ]
        yield f"| {name} | {' | '.join(cells)} |"


def _medians(size: Size, threads: int, repeats: int) -> tuple[float, float]:
    rows = [run("engine", size, threads) for _ in range(repeats)]
    seconds, peak = (statistics.median(row[key] for row in rows) for key in ("seconds", "bytes"))
    return seconds, peak


def _compared(name: str, values: dict[str, float], unit: float, style: str) -> str:
    cells = [f"{values[method] * unit:{style}}" for method in METHODS]
    ratios = [f"{values['published'] / values[method]:.1f}" for method in METHODS[:2]]
    return f"| {name} | {' | '.join(cells + ratios)} |"


def main(
    threads: Annotated[int, typer.Option(help="Threads of torch.")] = 2,
    repeats: Annotated[int, typer.Option(help="Runs of each measurement; medians count.")] = 3,
) -> None:
    """Print both tables."""
    sys.stdout.write(f"Modulo transformer, AdamW, {threads} threads.\n\n{SMALL}:\n\n")
    for line in side_by_side(threads, repeats):
        sys.stdout.write(line + "\n")
    sys.stdout.write(f"\nGrowth from {LARGE} and {MINI_BATCH}:\n\n")
    for line in growth(threads, repeats):
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    typer.run(main)
