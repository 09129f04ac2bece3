"""Recording and explaining a model of the size of ResNet-18, 11 million parameters.

    python -m benchmarks.large_model main [--repeats 3] [--before ../before]

Convolutions as in ResNet-18 without normalisation, 32 x 32 pixels, SGD with momentum, batches of 4,
one thread. With the folder of an older working tree the two take turns, each in processes of its
own. Seconds by the clock and by processor time (which other jobs on the machine disturb less, but
which knows nothing of waiting for the disk); the fastest turn counts.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated

import torch
import typer
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, TensorDataset

import explaind
from explaind.history.batches import Batch

WIDTHS, LAYERS = (64, 128, 256, 512), 4
BATCH, STEPS, QUERIES, EVERY = 4, 10, 2, 5
CLOCKS = {"clock": time.perf_counter, "processor": time.process_time}
JOBS = ("plain", "full", "checkpointed", "kernel", "first", "second")

app = typer.Typer(add_completion=False)


def fresh_model() -> nn.Module:
    """The untrained model, 10,959,306 parameters in 34 tensors."""
    torch.manual_seed(0)
    layers: list[nn.Module] = []
    channels = 3
    for width in WIDTHS:
        for number in range(LAYERS):
            stride = 2 if number == 0 and width > WIDTHS[0] else 1
            layers += [nn.Conv2d(channels, width, 3, stride, padding=1), nn.ReLU()]
            channels = width
    head = (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 10))
    return nn.Sequential(*layers, *head)


def loss_fn(output: Tensor, target: Tensor) -> Tensor:
    """Cross-entropy of every sample, nat."""
    return cross_entropy(output, target, reduction="none")


def images(count: int) -> tuple[Tensor, Tensor]:
    """Random images and classes."""
    generator = torch.Generator().manual_seed(count)
    x = torch.randn(count, 3, 32, 32, generator=generator)
    return x, torch.randint(0, 10, (count,), generator=generator)


def train(store: Path | None, every: int = 1) -> None:
    """Train, recording into a store if one is given."""
    model = fresh_model()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    loader = DataLoader(TensorDataset(*images(BATCH * STEPS)), BATCH)

    def steps(batches: Iterable[Batch]) -> None:
        for batch in batches:
            optimizer.zero_grad()
            torch.autograd.backward(loss_fn(model(batch.x), batch.y).mean())
            optimizer.step()

    if store is None:
        steps(Batch(x, y, torch.arange(len(x))) for x, y in loader)
        return
    with explaind.record(model, optimizer, loss_fn, store, every=every) as recorder:
        steps(recorder.batches(loader))


def seconds(call: Callable[[], object]) -> dict[str, float]:
    """Time of a call by each clock."""
    start = {name: clock() for name, clock in CLOCKS.items()}
    call()
    return {name: clock() - start[name] for name, clock in CLOCKS.items()}


@app.command()
def measure() -> None:
    """Measure every job once in this process and print JSON."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        full, checkpointed = Path(folder, "full.zarr"), Path(folder, "checkpointed.zarr")
        train(None)  # what is imported, and memory that is used for the first time
        row = {
            "plain": seconds(lambda: train(None)),
            "full": seconds(lambda: train(full)),
            "checkpointed": seconds(lambda: train(checkpointed, EVERY)),
        }
        kernels: list[explaind.PathKernel] = []
        data, (x, y) = images(BATCH * STEPS), images(QUERIES)

        def make() -> None:
            kernels.append(explaind.PathKernel(full, fresh_model(), loss_fn, data))

        row["kernel"] = seconds(make)
        for call in ("first", "second"):
            row[call] = seconds(lambda: kernels[0].explain(x, y, keep=("influence",)))
    sys.stdout.write(json.dumps(row) + "\n")


def measured(tree: Path) -> dict[str, dict[str, float]]:
    """One measurement of the library in a working tree, in a new process."""
    done = subprocess.run(
        [sys.executable, __file__, "measure"],
        env={**os.environ, "PYTHONPATH": str(tree), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    row: dict[str, dict[str, float]] = json.loads(done.stdout)
    return row


@app.command()
def main(
    repeats: Annotated[int, typer.Option(help="Turns; the fastest counts.")] = 3,
    before: Annotated[Path | None, typer.Option(help="An older working tree.")] = None,
) -> None:
    """Print the table."""
    trees = {"now": Path(__file__).parents[1]} | ({"before": before.resolve()} if before else {})
    turns = [{tree: measured(path) for tree, path in trees.items()} for _ in range(repeats)]
    sys.stdout.write(
        f"{STEPS} steps, {QUERIES} queries; seconds, and multiples of the plain training\n\n"
        f"| | training | full history | checkpointed, every {EVERY} | PathKernel | first explain |"
        " second |\n|---|---|---|---|---|---|---|\n"
    )
    for clock in CLOCKS:
        for tree in trees:
            fastest = {job: min(turn[tree][job][clock] for turn in turns) for job in JOBS}
            plain = fastest["plain"]
            cells = [f"{plain:.1f}"]
            cells += [f"{fastest[job]:.1f} ({fastest[job] / plain:.1f})" for job in JOBS[1:]]
            sys.stdout.write(f"| {tree}, {clock} | {' | '.join(cells)} |\n")


if __name__ == "__main__":
    app()
