"""Time of a recorded training against a plain one, and what its history takes on disk.

    python -m benchmarks.recording [--threads 2] [--repeats 5] [--only NAME] [--steps 200]

Plain, full and checkpointed trainings of a model take turns; their loops are the same but for the
recorder, and measure no metrics. The table gives medians of the time of a step and the median of
the ratios to the plain training of the same turn, by the clock and by processor time (which other
jobs on the machine disturb less). The gradient is compared with that of the loss at steps 0, 1, 2,
4 ... 64 and every 64th after it, which is the most of what recording costs in a short training.

Where a machine is virtual, its host may give it each page of memory when it is first written, which
takes ten times as long as writing there again: histories of gigabytes then measure the host, unless
memory was filled before (`cat` a file of its size).
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import torch
import torch.nn.functional as F  # noqa: N812
import typer
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

import explaind
from explaind.config.model import TransformerModel
from explaind.history.batches import Batch
from explaind.history.checkpoint_interval import balanced_interval
from explaind.history.recording.loaders import draw
from explaind.models.registry import build_model

CLASSES, TOKENS, VOCABULARY, WIDTH = 10, 32, 64, 128


class Recurrent(nn.Module):
    """An embedding, a recurrent layer, the last place read out.

    Args:
        kind: the recurrent layer.
    """

    def __init__(self, kind: type[nn.RNNBase]) -> None:
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, WIDTH)
        self.recurrent = kind(WIDTH, WIDTH, batch_first=True)
        self.last = nn.Linear(WIDTH, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        """Return scores of the classes."""
        scores: Tensor = self.last(self.recurrent(self.embedding(x))[0][:, -1])
        return scores


class Encoder(nn.Module):
    """Two transformer layers over tokens, the mean read out."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, WIDTH)
        layer = nn.TransformerEncoderLayer(WIDTH, 4, 4 * WIDTH, dropout=0.0, batch_first=True)
        self.layers = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.last = nn.Linear(WIDTH, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        """Return scores of the classes."""
        scores: Tensor = self.last(self.layers(self.embedding(x)).mean(1))
        return scores


def perceptron(width: int) -> nn.Module:
    """Two hidden layers."""
    layers = [nn.Linear(784, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(width, CLASSES))


def convolutions() -> nn.Module:
    """Three convolutions."""
    return nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=1),
        nn.GroupNorm(4, 32),
        nn.ReLU(),
        nn.Conv2d(32, 64, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(64, 64, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(64, CLASSES),
    )


def bag() -> nn.Module:
    """A bag of words: hardly any work for its parameters."""
    return nn.Sequential(nn.EmbeddingBag(20_000, 64), nn.Linear(64, CLASSES))


def vectors(count: int) -> Tensor:
    """Images of one channel as vectors."""
    return torch.randn(count, 784)


def images(count: int) -> Tensor:
    """Images of three channels."""
    return torch.randn(count, 3, 32, 32)


def sentences(count: int) -> Tensor:
    """Sequences of tokens."""
    return torch.randint(VOCABULARY, (count, TOKENS))


def sums(count: int) -> Tensor:
    """What the modulo transformer of the examples is given."""
    return torch.randint(CLASSES, (count, 4))


@dataclass(frozen=True)
class Kind:
    """A training.

    Attributes:
        make: makes the model.
        inputs: makes inputs.
        batch_size: samples per step.
        steps: steps of a training.
    """

    make: Callable[[], nn.Module]
    inputs: Callable[[int], Tensor]
    batch_size: int = 128
    steps: int = 200


KINDS = {
    "modulo transformer": Kind(
        lambda: build_model(TransformerModel(mlp_width=256), CLASSES, (4,)), sums, 1024
    ),
    "multilayer perceptron": Kind(lambda: perceptron(512), vectors),
    "convolutions": Kind(convolutions, images, 64),
    "LSTM": Kind(lambda: Recurrent(nn.LSTM), sentences, 64),
    "GRU": Kind(lambda: Recurrent(nn.GRU), sentences, 64),
    "transformer encoder": Kind(Encoder, sentences, 64),
    "bag of words": Kind(bag, sentences),
    "perceptron, 20 million parameters": Kind(lambda: perceptron(4100), vectors, 512, 40),
}


@dataclass(frozen=True)
class Run:
    """One training: seconds per step by the clock and by processor time, and bytes on disk."""

    clock: float
    processor: float
    disk: int = 0


def loss_fn(output: Tensor, y: Tensor) -> Tensor:
    """Return the loss of each sample."""
    return F.cross_entropy(output, y, reduction="none")


def run(kind: Kind, every: int | None) -> Run:
    """Train, recording a snapshot every so many steps; None records nothing."""
    torch.manual_seed(0)
    count = kind.batch_size * kind.steps
    data = TensorDataset(kind.inputs(count), torch.randint(CLASSES, (count,)))
    batches: list[Batch] = list(draw(DataLoader(data, kind.batch_size)))
    model = kind.make()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)

    def step(x: Tensor, y: Tensor) -> None:
        optimizer.zero_grad()
        loss_fn(model(x), y).mean().backward()
        optimizer.step()

    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "history.zarr"
        clock, processor = time.perf_counter(), time.process_time()
        if every is None:
            for batch in batches:
                step(batch.x, batch.y)
        else:
            with explaind.record(model, optimizer, loss_fn, store, every=every) as recorder:
                for batch in recorder.batches(batches):
                    step(batch.x, batch.y)
        clock, processor = time.perf_counter() - clock, time.process_time() - processor
        disk = sum(file.stat().st_size for file in store.rglob("*") if file.is_file())
    return Run(clock / kind.steps, processor / kind.steps, disk)


def table(kind: Kind, repeats: int) -> list[str]:
    """Lines of the table of one kind."""
    every = balanced_interval(kind.steps, 3, 2)
    ways = {"plain": None, "full": 1, f"checkpointed, every {every}": every}
    runs: dict[str, list[Run]] = {name: [] for name in ways}
    for _ in range(repeats):
        for name, chosen in ways.items():
            runs[name].append(run(kind, chosen))
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
    only: Annotated[str, typer.Option(help="Kinds whose name has this in it.")] = "",
    steps: Annotated[int | None, typer.Option(help="Steps of a training.")] = None,
) -> None:
    """Print a table for each kind of model."""
    torch.set_num_threads(threads)
    for name, kind in KINDS.items():
        if only in name:
            size = sum(parameter.numel() for parameter in kind.make().parameters())
            heading = f"{name}, {size:,} parameters, batches of {kind.batch_size}:"
            chosen = replace(kind, steps=steps or kind.steps)
            sys.stdout.write("\n".join([heading, "", *table(chosen, repeats)]) + "\n\n")


if __name__ == "__main__":
    typer.run(main)
