"""One measurement: a method on a problem, in a process of its own.

python -m benchmarks.measure engine '{"queries": 10}' 2
"""

import json
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import torch
import typer

import explaind
from benchmarks.problem import Problem, Size, recorded_problem
from benchmarks.published import published_influence
from explaind.history.replay.history import History
from explaind.kernel.query.quadrature import Quadrature
from explaind.training.task import nll

REFERENCE_NODES = 1000
FINE = 4
"""Subintervals per step with which the error is below that of the published algorithm."""

STATUS = Path("/proc/self/status")


def engine(problem: Problem, subintervals: int = 1) -> torch.Tensor:
    """Influence by this library, in its default settings."""
    train, quadrature = (problem.x_train, problem.y_train), Quadrature(subintervals=subintervals)
    kernel = explaind.PathKernel(problem.store, problem.model, nll, train, quadrature=quadrature)
    found = kernel.explain(problem.x, problem.y, keep=("influence",))
    return torch.from_numpy(found["influence"].to_numpy()[:, 0]).double()


def engine_fine(problem: Problem) -> torch.Tensor:
    """Influence by this library, with steps cut into parts: more exact than the published one."""
    return engine(problem, FINE)


def published(problem: Problem) -> torch.Tensor:
    """Influence by the published algorithm: 100 midpoint nodes in float32."""
    return _published(problem, nodes=100, dtype=torch.float32)


def reference(problem: Problem) -> torch.Tensor:
    """Influence by the published algorithm with a dense midpoint rule in float64."""
    return _published(problem, REFERENCE_NODES, torch.float64)


def _published(problem: Problem, nodes: int, dtype: torch.dtype) -> torch.Tensor:
    history, model = History(problem.store, dtype), problem.model.to(dtype)
    train, queries = (problem.x_train, problem.y_train), (problem.x, problem.y)
    return published_influence(history, model, train, queries, nodes)


METHODS = {method.__name__: method for method in (engine, engine_fine, published, reference)}


def run(method: str, size: Size, threads: int, out: str = "") -> dict[str, float]:
    """Measure a method in a new process.

    Args:
        method: one of `METHODS`.
        size: size of the problem.
        threads: threads of torch.
        out: file for the influence, `[query, train]`; none if empty.

    Returns:
        `seconds` of the whole explanation and `bytes` that it added to the process at its peak.
    """
    command = [sys.executable, "-m", "benchmarks.measure", method, json.dumps(asdict(size))]
    done = subprocess.run(
        [*command, str(threads), "--out", out], stdout=subprocess.PIPE, text=True, check=True
    )
    measured: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return measured


def measure(
    method: str,
    size: Annotated[str, typer.Argument(help="Fields of Size that are not the default, JSON.")],
    threads: int,
    out: str = "",
) -> None:
    """Run one method once and print what it took as JSON."""
    torch.set_num_threads(threads)
    with tempfile.TemporaryDirectory() as folder:
        problem = recorded_problem(Size(**json.loads(size)), Path(folder))
        Path("/proc/self/clear_refs").write_text("5")  # forget the peak of the recording
        before, start = resident("VmRSS"), time.perf_counter()
        influence = METHODS[method](problem)
        seconds = time.perf_counter() - start
    if out:
        torch.save(influence, out)
    row = {"seconds": seconds, "bytes": resident("VmHWM") - before}
    sys.stdout.write(json.dumps(row) + "\n")


def resident(field: str) -> int:
    """Resident memory of this process, now (VmRSS) or at its peak (VmHWM), in bytes."""
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith(field))
    return 1024 * int(line.split()[1])


if __name__ == "__main__":
    typer.run(measure)
