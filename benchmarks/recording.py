"""Time of a recorded training against a plain one, and what its history takes on disk.

    python -m benchmarks.recording [--threads 2] [--repeats 5]

Plain, full and checkpointed trainings of the modulo transformer take turns; their loops are the
same but for the recorder, and measure no metrics. The table gives medians of the time of a step and
the median of the ratios to the plain training of the same turn, by the clock and by processor time
(which other jobs on the machine disturb less). A model of 11 million parameters is recorded by
`benchmarks.large_model`.
"""

import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Annotated

import torch
import typer
from torch import Tensor, nn

import explaind
from explaind.config.dataset import ModuloDataset
from explaind.config.model import TransformerModel
from explaind.data.modulo import modulo_dataset
from explaind.history.checkpoint_interval import balanced_interval
from explaind.models.registry import build_model
from explaind.training.order import batches_from
from explaind.training.task import nll


@dataclass(frozen=True)
class Size:
    """Size of a training.

    Attributes:
        p: the modulus.
        samples: training samples.
        mlp_width: hidden width.
        batch_size: samples per step; None = all.
        steps: steps of a training.
    """

    p: int
    samples: int
    mlp_width: int
    batch_size: int | None = None
    steps: int = 200


SIZES = {
    "default, p=53": Size(53, 1144, 256),
    "paper, p=113": Size(113, 4000, 512),
    "default, batches of 256": Size(53, 1144, 256, batch_size=256, steps=1000),
}


@dataclass(frozen=True)
class Run:
    """One training: seconds per step by the clock and by processor time, and bytes on disk."""

    clock: float
    processor: float
    disk: int = 0


class Task:
    """Trainings of one size.

    Args:
        size: the size.
    """

    def __init__(self, size: Size) -> None:
        settings = ModuloDataset(p=size.p, train_fraction=None, train_samples=size.samples)
        data = modulo_dataset(settings)
        self.x, self.y = (torch.from_numpy(data[name].values) for name in ("x_train", "y_train"))
        self.size, self.classes = size, data.attrs["classes"]

    def fresh(self) -> tuple[nn.Module, torch.optim.Optimizer]:
        """An untrained model and its optimizer."""
        model = build_model(TransformerModel(mlp_width=self.size.mlp_width), self.classes, (4,))
        betas = (0.9, 0.98)
        return model, torch.optim.AdamW(model.parameters(), weight_decay=4.0, betas=betas)

    def run(self, every: int | None) -> Run:
        """Train, recording a snapshot every so many steps; None records nothing."""
        model, optimizer = self.fresh()
        batches = batches_from(0, self.x, self.y, self.size.batch_size, 0)
        drawn = islice(batches, self.size.steps)

        def step(x: Tensor, y: Tensor) -> None:
            optimizer.zero_grad()
            nll(model(x), y).mean().backward()
            optimizer.step()

        with tempfile.TemporaryDirectory() as folder:
            store = Path(folder) / "history.zarr"
            clock, processor = time.perf_counter(), time.process_time()
            if every is None:
                for batch in drawn:
                    step(batch.x, batch.y)
            else:
                with explaind.record(model, optimizer, nll, store, every=every) as recorder:
                    for batch in recorder.batches(drawn):
                        step(batch.x, batch.y)
            clock, processor = time.perf_counter() - clock, time.process_time() - processor
            disk = sum(file.stat().st_size for file in store.rglob("*") if file.is_file())
        steps = self.size.steps
        return Run(clock / steps, processor / steps, disk)


def table(task: Task, repeats: int) -> list[str]:
    """Lines of the table of one size."""
    every = balanced_interval(task.size.steps, 3, 2)
    ways = {"plain": None, "full": 1, f"checkpointed, every {every}": every}
    runs: dict[str, list[Run]] = {name: [] for name in ways}
    for _ in range(repeats):
        for name, chosen in ways.items():
            runs[name].append(task.run(chosen))
    lines = ["| | step | clock / plain | processor / plain | on disk |", "|---|---|---|---|---|"]
    for name, found in runs.items():
        pairs = list(zip(found, runs["plain"], strict=True))
        step = statistics.median(run.clock for run in found) * 1e3
        clock = statistics.median(run.clock / plain.clock for run, plain in pairs)
        processor = statistics.median(run.processor / plain.processor for run, plain in pairs)
        disk = found[0].disk / 2**20
        lines.append(f"| {name} | {step:.1f} ms | {clock:.2f} | {processor:.2f} | {disk:.1f} MiB |")
    return lines


def main(
    threads: Annotated[int, typer.Option(help="Threads of torch.")] = 2,
    repeats: Annotated[int, typer.Option(help="Turns; medians count.")] = 5,
) -> None:
    """Print a table for each size."""
    torch.set_num_threads(threads)
    for name, size in SIZES.items():
        lines = [f"{name}, {size}:", "", *table(Task(size), repeats)]
        sys.stdout.write("\n".join(lines) + "\n\n")


if __name__ == "__main__":
    typer.run(main)
