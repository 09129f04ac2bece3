"""What crosses between host and device in one step of each function of the kernel.

python -m tests.devices.table
"""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import explaind
from explaind.choices import OUTPUT_ARRAYS
from explaind.kernel.query import derivative
from tests.devices.conftest import jvp_by_reverse_mode, one_by_one
from tests.devices.simulated import Traffic, simulated_device
from tests.devices.test_kernel import PROBLEMS
from tests.devices.test_traffic import ONCE
from tests.kernel.engine import record

STEPS = 6
CROSSINGS = ("reads", "to_device", "to_host")
Job = Callable[[explaind.PathKernel, Any], object]

JOBS: dict[str, Job] = {
    "explain": lambda kernel, data: kernel.explain(*data, keep=("influence", "component")),
    "explain, every array": lambda kernel, data: kernel.explain(*data, keep=OUTPUT_ARRAYS),
    "explain, all outputs": lambda kernel, data: kernel.explain(*data, "all"),
    "parameter_influence": lambda kernel, data: kernel.parameter_influence(*data),
    "reformulate": lambda kernel, data: kernel.reformulate(*data),
}


def crossed(name: str, job: Job, every: int, traffic: Traffic, steps: int) -> Traffic:
    """What crosses in a job over some steps, its self-checks made before."""
    problem = PROBLEMS[name].but(steps=steps)
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder, "h.zarr")
        model = record(problem, store, every=every)
        options: dict[str, Any] = {"quadrature": ONCE, "penalty": problem.penalty, "device": "sim"}
        data = problem.train_data()
        kernel = explaind.PathKernel(store, model, problem.loss_fn, data, **options)
        job(kernel, problem.test_data())
        traffic.clear()
        job(kernel, problem.test_data())
        return Traffic(traffic)


def main() -> None:
    """Print the table: a run of twice the steps less a run."""
    sys.stdout.write("| model | history | function | reads | to device | to host |\n")
    sys.stdout.write("|---|---|---|---|---|---|\n")
    by_reverse_mode = patch.multiple(derivative, jvp=jvp_by_reverse_mode, vmap=one_by_one)
    with by_reverse_mode, simulated_device() as traffic:
        for name in PROBLEMS:
            for every, history in ((1, "full"), (STEPS, "replayed")):
                for function, job in JOBS.items():
                    once, twice = (
                        crossed(name, job, every, traffic, steps) for steps in (STEPS, 2 * STEPS)
                    )
                    each = [f"{(twice[key] - once[key]) / STEPS:.1f}" for key in CROSSINGS]
                    sys.stdout.write(f"| {name} | {history} | {function} | {' | '.join(each)} |\n")
                    sys.stdout.flush()


if __name__ == "__main__":
    main()
