"""What waiting costs: a training with two threads, on a quiet machine and beside other work.

    python -m benchmarks.threads main

Threads of one job wait for each other many times in a step; they spin unless OMP_WAIT_POLICY is
passive. Beside as many busy processes as there are cores the thread that is waited for may not run.
"""

import os
import subprocess
import sys
import time
from contextlib import ExitStack
from typing import Annotated

import pandas as pd
import torch
import typer
from torch.nn.functional import cross_entropy

from explaind.models.gpt import GPT

POLICIES = ("active", "passive")
THREADS = 2


def timed(steps: int) -> float:
    """Train the GPT of `languages-cpu.yaml` for some steps; returns milliseconds a step."""
    torch.set_num_threads(THREADS)
    torch.manual_seed(0)
    model = GPT(256, 64, layers=4, width=48, heads=4, tied=False)
    tokens = torch.randint(256, (35, 65))
    optimizer = torch.optim.AdamW(model.parameters(), 1e-3)
    start = 0.0
    for step in range(steps + 3):
        if step == 3:
            start = time.perf_counter()
        optimizer.zero_grad()
        cross_entropy(model(tokens[:, :-1]).flatten(0, 1), tokens[:, 1:].flatten()).backward()
        optimizer.step()
    return (time.perf_counter() - start) / steps * 1e3


def measured(policy: str, busy: int, steps: int) -> float:
    """The same in a process of its own, beside `busy` others that only count."""
    with ExitStack() as stack:
        for _ in range(busy):
            other = subprocess.Popen([sys.executable, "-c", "while True: pass"])
            stack.callback(other.wait)
            stack.callback(other.kill)
        run = [sys.executable, "-m", "benchmarks.threads", "child", str(steps)]
        environment = os.environ | {"OMP_WAIT_POLICY": policy}
        return float(subprocess.run(run, env=environment, capture_output=True, check=True).stdout)


app = typer.Typer(add_completion=False)


@app.command()
def main(
    repeats: Annotated[int, typer.Option(help="Turns, of which the median counts.")] = 3,
    steps: Annotated[int, typer.Option(help="Steps of a training.")] = 30,
) -> None:
    """Print milliseconds a step for both policies, quiet and busy."""
    cores = os.cpu_count() or 1
    rows = [
        {"policy": policy, "beside": busy, "ms a step": measured(policy, busy, steps)}
        for _ in range(repeats)
        for busy in (0, cores)
        for policy in POLICIES
    ]
    table = pd.DataFrame(rows).pivot_table("ms a step", "policy", "beside", aggfunc="median")
    sys.stdout.write(f"{table.round(0).to_string()}\n")


@app.command()
def child(steps: int) -> None:
    """Train once and print milliseconds a step."""
    sys.stdout.write(f"{timed(steps)}\n")


if __name__ == "__main__":
    app()
