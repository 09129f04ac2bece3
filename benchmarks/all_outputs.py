"""True classes explained among all outputs and alone, against a finer quadrature.

    python -m benchmarks.all_outputs

The MLP of `benchmarks.small_jobs` with log-probabilities as its outputs: the log-probability of the
true class of a confident sample moves little where those of the other classes move much. The error
is that of its influence, relative to that of the same output explained alone with sixteen times as
many subintervals at every step, in float64.
"""

import sys
import tempfile
from pathlib import Path

import torch
import typer
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

import explaind
from benchmarks.small_jobs import ACTIVATIONS, BATCH, digits, fresh_model, optimizer_of
from explaind.kernel.query.quadrature import Quadrature
from explaind.training.task import nll

STEPS, SAMPLES = 100, 20
FINE = Quadrature(subintervals=16, tolerance=None)


def log_probabilities(activation: str) -> nn.Module:
    """The untrained model."""
    return nn.Sequential(fresh_model(activation), nn.LogSoftmax(-1))


def record(activation: str, store: Path) -> None:
    """Train and record, in float64."""
    model, (x, y) = log_probabilities(activation).double(), digits()[0]
    optimizer = optimizer_of(model)
    generator = torch.Generator().manual_seed(1)
    loader = DataLoader(TensorDataset(x.double(), y), BATCH, shuffle=True, generator=generator)
    with explaind.record(model, optimizer, nll, store) as recorder:
        for _ in range(STEPS * BATCH // len(x)):
            for batch in recorder.batches(loader):
                optimizer.zero_grad()
                torch.autograd.backward(nll(model(batch.x), batch.y).mean())
                optimizer.step()


def explained(
    activation: str, store: Path, outputs: str, quadrature: Quadrature | None = None
) -> tuple[Tensor, float]:
    """Influence on the true class of some samples, `[test, train]`, and the mean subintervals."""
    (x, y), (queries, targets) = digits()
    model = log_probabilities(activation).double()
    kernel = explaind.PathKernel(store, model, nll, (x.double(), y), quadrature=quadrature)
    queries, targets = queries[:SAMPLES].double(), targets[:SAMPLES]
    found = kernel.explain(queries, targets, outputs, keep=("influence",))
    influence = torch.from_numpy(found["influence"].to_numpy())
    place = targets if outputs == "all" else torch.zeros_like(targets)
    return influence[torch.arange(SAMPLES), place], float(found["subintervals"].mean())


def main() -> None:
    """Print the table."""
    torch.set_num_threads(1)
    sys.stdout.write(
        f"{STEPS} steps, {SAMPLES} samples\n\n"
        "| | explained | subintervals | error in the median | largest error |\n"
        "|---|---|---|---|---|\n"
    )
    for activation in ACTIVATIONS:
        with tempfile.TemporaryDirectory() as folder:
            store = Path(folder, "history.zarr")
            record(activation, store)
            expected, _ = explained(activation, store, "target_logprob", FINE)
            for outputs, name in (("target_logprob", "alone"), ("all", "among all")):
                influence, subintervals = explained(activation, store, outputs)
                errors = (influence - expected).norm(dim=1) / expected.norm(dim=1)
                sys.stdout.write(
                    f"| {activation} | {name} | {subintervals:.2f} | {errors.median():.1e} |"
                    f" {errors.max():.1e} |\n"
                )
                sys.stdout.flush()


if __name__ == "__main__":
    typer.run(main)
