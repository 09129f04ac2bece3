"""The problem that the benchmarks run on: a recorded training of the transformer, any size."""

from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor

import explaind
from explaind.config.dataset import ModuloDataset
from explaind.config.model import TransformerModel
from explaind.data.modulo import modulo_dataset
from explaind.models.registry import build_model
from explaind.training.order import batches_from
from explaind.training.task import nll


@dataclass(frozen=True)
class Size:
    """Size of a problem.

    Attributes:
        queries: explained validation samples, Q.
        samples: training samples, N.
        mlp_width: hidden width, which sets the number of parameters P.
        steps: recorded steps, S.
        p: the modulus.
        width: model width.
        batch_size: samples per step, B; None = full batch.
    """

    queries: int = 10
    samples: int = 400
    mlp_width: int = 256
    steps: int = 5
    p: int = 47
    width: int = 32
    batch_size: int | None = None


@dataclass(frozen=True)
class Problem:
    """A recorded run and what is asked of it."""

    store: Path
    model: torch.nn.Module
    x_train: Tensor
    y_train: Tensor
    x: Tensor
    y: Tensor


def parameters(size: Size) -> int:
    """Number of trained parameters, P."""
    return sum(parameter.numel() for parameter in _model(size, size.p + 2).parameters())


def recorded_problem(size: Size, folder: Path) -> Problem:
    """Train with AdamW for some steps and record the path.

    Args:
        size: the size.
        folder: where the history store is made.

    Returns:
        The recorded problem.
    """
    data = modulo_dataset(
        ModuloDataset(
            p=size.p,
            train_fraction=None,
            train_samples=size.samples,
            validation_samples=size.queries,
        )
    )
    x, y, x_val, y_val = (
        torch.from_numpy(data[name].values)
        for name in ("x_train", "y_train", "x_validation", "y_validation")
    )
    model = _model(size, data.attrs["classes"])
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=4.0, betas=(0.9, 0.98))
    store = folder / "history.zarr"
    with explaind.record(model, optimizer, nll, store) as recorder:
        for batch in recorder.batches(
            islice(batches_from(0, x, y, size.batch_size, 0), size.steps)
        ):
            optimizer.zero_grad()
            torch.autograd.backward(nll(model(batch.x), batch.y).mean())
            optimizer.step()
    return Problem(store, model, x, y, x_val, y_val)


def _model(size: Size, classes: int) -> torch.nn.Module:
    return build_model(TransformerModel(width=size.width, mlp_width=size.mlp_width), classes, (4,))
