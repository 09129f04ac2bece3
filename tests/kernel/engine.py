"""Run the engine on a problem of the oracle, through the public interface only."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import xarray as xr
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

import explaind
from explaind.history.replay.history import Block
from explaind.kernel.query.quadrature import Quadrature
from explaind.kernel.trajectory.steps import Step
from tests.oracles.problems import Problem

SMOOTH = Quadrature(rule="gauss_legendre", subintervals=1, nodes=3, tolerance=None)


def loader(data: tuple[Tensor, Tensor], batches: Sequence[Sequence[int]]) -> DataLoader:
    """A data loader that draws exactly these batches of sample indices."""
    return DataLoader(TensorDataset(*data), batch_sampler=[list(batch) for batch in batches])


def record(
    problem: Problem,
    store: Path,
    *,
    model: nn.Module | None = None,
    optimizer: torch.optim.Optimizer | None = None,
    data: tuple[Tensor, Tensor] | None = None,
    batches: Sequence[Sequence[int]] | None = None,
    **options: Any,
) -> nn.Module:
    """Record the training of a problem and return the trained model.

    Further ``options`` are those of ``explaind.record``; named ones replace parts of the problem.
    """
    model = problem.model() if model is None else model
    optimizer = problem.optimizer(model) if optimizer is None else optimizer
    schedule = problem.scheduler(optimizer) if problem.scheduler else None
    batches = batches or problem.batches()
    drawn = loader(data or problem.train_data(), batches)
    sizes = {"max_batch_size": max(len(batch) for batch in batches)}
    loss = {"reduction": problem.reduction, "penalty": problem.penalty}
    options = sizes | loss | {"augment": problem.augment} | options
    with explaind.record(model, optimizer, problem.loss_fn, store, **options) as recorder:
        for batch in recorder.batches(drawn):
            optimizer.zero_grad()
            losses = problem.loss_fn(model(batch.x), batch.y)
            loss = losses.mean() if problem.reduction == "mean" else losses.sum()
            if problem.penalty:
                loss = loss + problem.penalty(dict(model.named_parameters()))
            loss.backward()
            if problem.max_norm:
                recorder.clip_grad_norm_(problem.max_norm)
            optimizer.step()
            if schedule:
                schedule.step()
    return model


def explain(
    problem: Problem,
    store: Path,
    model: nn.Module,
    *,
    data: tuple[Tensor, Tensor] | None = None,
    queries: tuple[Tensor, Tensor] | None = None,
    quadrature: Quadrature = SMOOTH,
    dtype: torch.dtype | None = torch.float64,
    components: Mapping[str, str] | None = None,
    **options: Any,
) -> xr.Dataset:
    """Explain the test samples of a problem, by default one component for every parameter tensor.

    ``options`` are those of ``PathKernel.explain``; ``data`` and ``queries`` replace those of the
    problem.
    """
    kernel = explaind.PathKernel(
        store,
        model,
        problem.loss_fn,
        data or problem.train_data(),
        penalty=problem.penalty,
        augment=problem.augment,
        components=components or {name: name for name in trained_names(problem)},
        quadrature=quadrature,
        dtype=dtype,
    )
    x, targets = queries or problem.test_data()
    return kernel.explain(x, targets=targets, **{"outputs": problem.outputs} | options)


def trained_names(problem: Problem) -> list[str]:
    """Names of the tensors that the optimizer of a problem trains."""
    model = problem.model()
    members = [p for group in problem.optimizer(model).param_groups for p in group["params"]]
    return [
        name
        for name, parameter in model.named_parameters()
        if parameter.requires_grad and any(parameter is member for member in members)
    ]


def record_and_explain(problem: Problem, folder: Path, **options: Any) -> xr.Dataset:
    """Both in one go; ``options`` are those of :func:`explain`."""
    store = folder / f"{problem.name}.zarr"
    return explain(problem, store, record(problem, store), **options)


def steps_of(path: Tensor) -> list[Step]:
    """Steps between the points of a path, by data alone and without it; the last one first."""
    block = Block(0, len(path) - 1, path, None)
    nothing = torch.tensor([], dtype=torch.int64)
    return [
        Step(
            number,
            block,
            start=block.theta(number),
            end=block.theta(number + 1),
            parts=torch.stack([block.increment(number), torch.zeros_like(path[0])]),
            batch=nothing,
            weights=nothing.double(),
            clip=1.0,
            passes=[],
        )
        for number in reversed(range(len(path) - 1))
    ]
