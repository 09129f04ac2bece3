"""Time of small jobs against their own bound and plain training, with their accuracy.

    python -m benchmarks.small_jobs main [--repeats 3] [--before ../before]

A small MLP on the digits, one thread. The bound of an explanation is what no code could do without:
the products of the formulas, one pass of every batch, and a pass of the queries for every node of
the quadrature that was used. The error is that of the influence of the smaller job against the
published algorithm with a dense midpoint rule in float64 (`benchmarks.published`). With the folder
of an older working tree the two take turns, each in processes of its own.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Annotated

import torch
import typer
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, TensorDataset

import explaind
from benchmarks.published import published_influence
from explaind.history.replay.history import History

WIDTH, BATCH, TRAIN, STEPS, QUERIES = 128, 50, 1000, 200, 100
FEW_STEPS, FEW_QUERIES = 100, 10
REFERENCE_NODES = 200
REPEATED = 5
"""Runs in one process, of which the fastest counts."""

ACTIVATIONS: dict[str, type[nn.Module]] = {"gelu": nn.GELU, "relu": nn.ReLU}
Data = tuple[Tensor, Tensor]

app = typer.Typer(add_completion=False)


def fresh_model(activation: str) -> nn.Module:
    """The untrained model, 26,122 parameters."""
    torch.manual_seed(0)
    act = ACTIVATIONS[activation]
    return nn.Sequential(
        nn.Linear(64, WIDTH), act(), nn.Linear(WIDTH, WIDTH), act(), nn.Linear(WIDTH, 10)
    )


def digits() -> tuple[Data, Data]:
    """Training samples and queries."""
    x, y = load_digits(return_X_y=True)
    x, y = torch.from_numpy(x).float() / 16, torch.from_numpy(y)
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(0))
    train, queries = order[:TRAIN], order[TRAIN : TRAIN + QUERIES]
    return (x[train], y[train]), (x[queries], y[queries])


def loss_fn(output: Tensor, target: Tensor) -> Tensor:
    """Cross-entropy of every sample, nat."""
    return cross_entropy(output, target, reduction="none")


def optimizer_of(model: nn.Module) -> torch.optim.Optimizer:
    """SGD with momentum."""
    return torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)


def record(activation: str, steps: int, store: Path) -> None:
    """Train for some steps and record the path."""
    model = fresh_model(activation)
    optimizer = optimizer_of(model)
    generator = torch.Generator().manual_seed(1)
    loader = DataLoader(TensorDataset(*digits()[0]), BATCH, shuffle=True, generator=generator)
    taken = 0
    with explaind.record(model, optimizer, loss_fn, store) as recorder:
        while taken < steps:
            for batch in islice(recorder.batches(loader), steps - taken):
                optimizer.zero_grad()
                torch.autograd.backward(loss_fn(model(batch.x), batch.y).mean())
                optimizer.step()
                taken += 1


def train_seconds(activation: str, steps: int) -> float:
    """Time of the training alone."""
    model, (x, y) = fresh_model(activation), digits()[0]
    optimizer = optimizer_of(model)
    order = torch.randperm(len(x)).split(BATCH)

    def train() -> None:
        for step in range(steps):
            index = order[step % len(order)]
            optimizer.zero_grad()
            torch.autograd.backward(loss_fn(model(x[index]), y[index]).mean())
            optimizer.step()

    return fastest(train)


def bound_seconds(activation: str, nodes: float) -> float:
    """Time per step of products, one pass of a batch, and passes of the queries at the nodes."""
    model, (train, queries) = fresh_model(activation), digits()
    parameters = list(model.parameters())
    size = sum(parameter.numel() for parameter in parameters)
    left, right = torch.randn(QUERIES, size), torch.randn(BATCH, size)

    def a_pass(x: Tensor, y: Tensor) -> None:
        torch.autograd.grad(loss_fn(model(x), y).sum(), parameters)

    product = fastest(lambda: left @ right.T, 20)
    batch = fastest(lambda: a_pass(train[0][:BATCH], train[1][:BATCH]), 20)
    return product + batch + nodes * fastest(lambda: a_pass(*queries), 20)


def fastest(call: Callable[[], object], times: int = REPEATED) -> float:
    """Shortest processor time of some calls, which other jobs on the machine disturb little."""
    seconds = []
    for _ in range(times):
        start = time.process_time()
        call()
        seconds.append(time.process_time() - start)
    return min(seconds)


@app.command()
def measure(activation: str, folder: Path) -> None:
    """Train and measure both jobs in this process, print JSON, and save the influence."""
    torch.set_num_threads(1)
    store, short = (folder / f"{steps}.zarr" for steps in (STEPS, FEW_STEPS))
    for steps, path in ((STEPS, store), (FEW_STEPS, short)):
        record(activation, steps, path)
    train, (x, y) = digits()
    model = fresh_model(activation)
    kernel = explaind.PathKernel(store, model, loss_fn, train)
    found = kernel.explain(x, y, keep=("influence",))
    # every count of subintervals up to the last one was a pass over the sample: 1 + 2 + 4 ...
    subintervals = found["subintervals"].values.astype(float)
    secant = found.attrs["quadrature_rule"] == "secant"
    nodes = (1 if secant else 2) * (2 * subintervals - 1).mean()

    def few() -> Tensor:
        again = explaind.PathKernel(short, model, loss_fn, train)
        return torch.from_numpy(again.scores(x[:FEW_QUERIES], y[:FEW_QUERIES]))

    torch.save(few(), folder / "influence.pt")
    row = {
        "step": fastest(lambda: kernel.explain(x, y, keep=("influence",))) / STEPS,
        "bound": bound_seconds(activation, nodes),
        "nodes": nodes,
        "few": fastest(few),
        "train": train_seconds(activation, FEW_STEPS),
    }
    sys.stdout.write(json.dumps(row) + "\n")


def measured(tree: Path, activation: str, expected: Tensor) -> dict[str, float]:
    """One measurement of the library in a working tree, in a new process."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, __file__, "measure", activation, folder],
            env={**os.environ, "PYTHONPATH": str(tree), "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        got = torch.load(Path(folder, "influence.pt")).double()
    row: dict[str, float] = json.loads(done.stdout)
    row["error"] = float((got - expected).norm() / expected.norm())
    row["largest"] = float((got - expected).abs().max() / expected.abs().max())
    return row


def reference(activation: str) -> Tensor:
    """Influence on some queries by the dense reference, `[query, train]`."""
    train, (x, y) = digits()
    model = fresh_model(activation).double()
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder, "history.zarr")
        record(activation, FEW_STEPS, store)
        return published_influence(
            History(store, torch.float64),
            model,
            (train[0].double(), train[1]),
            (x[:FEW_QUERIES].double(), y[:FEW_QUERIES]),
            REFERENCE_NODES,
            loss_fn=loss_fn,
        )


@app.command()
def main(
    repeats: Annotated[int, typer.Option(help="Turns; medians count.")] = 3,
    before: Annotated[Path | None, typer.Option(help="An older working tree.")] = None,
) -> None:
    """Print the table."""
    trees = {"now": Path(__file__).parents[1]} | ({"before": before.resolve()} if before else {})
    sys.stdout.write(
        f"{STEPS} steps, {QUERIES} queries; last column {FEW_STEPS} steps, {FEW_QUERIES} queries\n"
        "\n| | nodes | step, ms | bound, ms | step / bound | error | largest error |"
        " explain / train |\n|---|---|---|---|---|---|---|---|\n"
    )
    for activation in ACTIVATIONS:
        expected = reference(activation)
        rows = [
            {tree: measured(path, activation, expected) for tree, path in trees.items()}
            for _ in range(repeats)
        ]
        for tree in trees:
            of = [row[tree] for row in rows]
            mid = {key: statistics.median(row[key] for row in of) for key in of[0]}
            ratio = statistics.median(row["step"] / row["bound"] for row in of)
            few = statistics.median(row["few"] / row["train"] for row in of)
            sys.stdout.write(
                f"| {activation}, {tree} | {mid['nodes']:.2f} | {1e3 * mid['step']:.2f} |"
                f" {1e3 * mid['bound']:.2f} | {ratio:.1f} | {mid['error']:.1e} |"
                f" {mid['largest']:.1e} | {few:.1f} |\n"
            )
            sys.stdout.flush()


if __name__ == "__main__":
    app()
