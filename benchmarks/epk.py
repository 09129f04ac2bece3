"""Time, memory and error of the engine against the published algorithm, and how both costs grow.

    python benchmarks/epk.py [--threads 2] [--repeats 3]

Every measurement runs in a process of its own; the two methods take turns on the same problem, and
the table gives medians and their ratio. Peak memory is what the explanation adds to the process.
"""

import json
import logging
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

import torch
import typer

import explaind
from benchmarks.problem import Problem, Size, recorded_problem
from benchmarks.published import published_influence
from explaind.history.history import History
from explaind.kernel.quadrature import Quadrature
from explaind.training.losses import nll

logger = logging.getLogger("benchmarks")
app = typer.Typer(add_completion=False)
Row = dict[str, Any]


def engine(problem: Problem, quadrature: Quadrature | None, dtype: torch.dtype) -> torch.Tensor:
    """Influence by this library."""
    train = (problem.x_train, problem.y_train)
    kernel = explaind.PathKernel(
        problem.store, problem.model, nll, train, quadrature=quadrature, dtype=dtype
    )
    found = kernel.explain(problem.x, problem.y, keep=("influence",))
    return torch.from_numpy(found.influence.to_numpy()[:, 0]).double()


def published(problem: Problem) -> torch.Tensor:
    """Influence by the published algorithm."""
    train, queries = (problem.x_train, problem.y_train), (problem.x, problem.y)
    return published_influence(History(problem.store), problem.model, train, queries)


def peak_bytes() -> int:
    """Largest resident memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


@app.command()
def measure(method: str, size: str, threads: int, out: str = "") -> None:
    """Run one method once and print seconds per step and peak bytes (called by `main`)."""
    torch.set_num_threads(threads)
    sized = Size(**json.loads(size))
    with tempfile.TemporaryDirectory() as folder:
        problem = recorded_problem(sized, Path(folder))
        before, start = peak_bytes(), time.perf_counter()
        if method == "published":
            influence = published(problem)
        elif method == "reference":
            reference = Quadrature(rule="midpoint", subintervals=1000, tolerance=None)
            influence = engine(problem, reference, torch.float64)
        else:
            influence = engine(problem, None, torch.float32)
        seconds = (time.perf_counter() - start) / sized.steps
    if out:
        torch.save(influence, out)
    sys.stdout.write(json.dumps({"seconds": seconds, "bytes": peak_bytes() - before}) + "\n")


def run(method: str, size: Size, threads: int, out: str = "") -> Row:
    """One measurement in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.epk", "measure", method, json.dumps(asdict(size))]
    done = subprocess.run(
        [*command, str(threads), "--out", out], stdout=subprocess.PIPE, text=True, check=True
    )
    row: Row = json.loads(done.stdout.strip().splitlines()[-1])
    return row


def median(rows: list[Row], key: str) -> float:
    """Median of one number over several measurements."""
    return statistics.median(row[key] for row in rows)


def side_by_side(size: Size, threads: int, repeats: int) -> list[str]:
    """Engine and published algorithm in turns on one problem."""
    with tempfile.TemporaryDirectory() as folder:
        names = {name: f"{folder}/{name}.pt" for name in ("engine", "published", "reference")}
        rows: dict[str, list[Row]] = {"engine": [], "published": []}
        for _ in range(repeats):
            for name, found in rows.items():
                found.append(run(name, size, threads, names[name]))
        run("reference", replace(size), threads, names["reference"])
        values = {name: torch.load(path, weights_only=True) for name, path in names.items()}
    scale = values["reference"].abs().max()
    errors = {
        name: float((values[name] - values["reference"]).abs().max() / scale) for name in rows
    }
    lines = ["| | engine | published | published / engine |", "|---|---|---|---|"]
    for label, key, unit in (("time per step", "seconds", 1e3), ("peak memory", "bytes", 2**-20)):
        ours, theirs = (median(rows[name], key) * unit for name in ("engine", "published"))
        suffix = "ms" if key == "seconds" else "MiB"
        lines.append(
            f"| {label} | {ours:.1f} {suffix} | {theirs:.1f} {suffix} | {theirs / ours:.1f} |"
        )
    ratio = errors["published"] / errors["engine"]
    both = f"{errors['engine']:.1e} | {errors['published']:.1e}"
    lines.append(f"| max error / max influence | {both} | {ratio:.1f} |")
    return lines


def growth(size: Size, threads: int, repeats: int) -> list[str]:
    """Time per step and memory when one size is doubled alone."""
    base = [run("engine", size, threads) for _ in range(repeats)]
    lines = ["| doubled alone | time of the run | peak memory |", "|---|---|---|"]
    for name in ("queries", "samples", "mlp_width", "steps"):
        doubled = replace(size, **{name: 2 * getattr(size, name)})
        rows = [run("engine", doubled, threads) for _ in range(repeats)]
        time_ratio = (
            median(rows, "seconds") * doubled.steps / (median(base, "seconds") * size.steps)
        )
        memory_ratio = median(rows, "bytes") / median(base, "bytes")
        lines.append(f"| {name} | x {time_ratio:.2f} | x {memory_ratio:.2f} |")
    return lines


@app.command()
def main(
    threads: Annotated[int, typer.Option(help="Threads of torch.")] = 2,
    repeats: Annotated[int, typer.Option(help="Runs of each measurement; medians count.")] = 3,
) -> None:
    """Print both tables."""
    small, large = Size(), Size(queries=100, samples=800, mlp_width=512, steps=20, p=67)
    parameters = "modulo transformer"
    lines = [f"Against the published algorithm, {parameters}, {small}:", ""]
    lines += side_by_side(small, threads, repeats)
    sys.stdout.write("\n".join(lines) + "\n\n")
    lines = [f"Growth, {large}:", "", *growth(large, threads, repeats)]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    app()
