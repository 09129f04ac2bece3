"""`rounding` is what the rounding of the trained updates did, computed by an independent route.

A model is trained in float32. From the recorded points of its path the updates are computed again
in float64 (gradient of the batch, momentum, recorded coefficients and second moment); the recorded
update less that one is what rounding moved the parameters by. Its product with the averaged
gradient of an explained output, added up over the steps, is what `rounding` has to be.
"""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr
from jaxtyping import Float
from torch import Tensor, nn
from torch.optim import SGD, AdamW

from explaind.kernel.query.quadrature import Quadrature
from explaind.store import open_sealed
from tests.kernel.engine import explain, record
from tests.oracles.dense_midpoint import (
    averaged_gradient,
    flat_gradient,
    gauss_legendre_nodes,
    set_values,
)
from tests.oracles.problems import Problem, squared_error, tokens
from tests.oracles.smooth_models import SmoothTransformer

NODES = gauss_legendre_nodes(6)
FINE = Quadrature(rule="gauss_legendre", subintervals=1, nodes=5, tolerance=None)
EXACT = 1e-4  # of the largest rounding: ten per cent off would fail by a factor of a thousand
ARITHMETIC = torch.finfo(torch.float32).eps  # of all influences' sizes, rounded by the engine


def adamw(model: nn.Module) -> AdamW:
    return AdamW(model.parameters(), lr=0.01, weight_decay=0.5)


def momentum(model: nn.Module) -> SGD:
    return SGD(model.parameters(), lr=0.02, momentum=0.9, weight_decay=0.01)


def creeping(model: nn.Module) -> AdamW:
    """Updates so small that their rounding is far larger than that of the computation."""
    return AdamW(model.parameters(), lr=1e-5, weight_decay=0.5)


PROBLEMS = (
    Problem("adamw", adamw, steps=40),
    Problem("transformer", adamw, SmoothTransformer, tokens, steps=40),
    Problem("momentum", momentum, loss_fn=squared_error, steps=40),
)
CREEPING = Problem("creeping", creeping, steps=40)


class Run:
    """A problem trained in float32, its history store and the model."""

    def __init__(self, problem: Problem, folder: Path) -> None:
        self.problem, self.store = problem, folder / "history.zarr"
        self.train, self.queries = (
            tuple(part.float() if part.is_floating_point() else part for part in data)
            for data in (problem.train_data(), problem.test_data())
        )
        self.model = record(problem, self.store, model=problem.model().float(), data=self.train)

    def explained(self, dtype: torch.dtype) -> xr.Dataset:
        options = {"data": self.train, "queries": self.queries, "quadrature": FINE}
        return explain(self.problem, self.store, self.model, dtype=dtype, **options)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("histories")


@pytest.fixture(
    scope="module",
    params=[*PROBLEMS[:2], pytest.param(PROBLEMS[2], marks=pytest.mark.long)],
    ids=lambda problem: problem.name,
)
def run(request, folder):
    return Run(request.param, folder / request.param.name)


def test_in_float64_it_is_the_rounding_of_the_training(run):
    found = run.explained(torch.float64)["rounding"].to_numpy()[:, 0]
    expected = expected_rounding(run, gradients=torch.float64)
    np.testing.assert_allclose(found, expected, rtol=0, atol=EXACT * abs(expected).max())


def test_in_float32_it_has_the_rounding_of_the_computation_on_top(run):
    """Gradients are rounded as in training, so that their rounding is the samples' doing."""
    found = run.explained(torch.float32)
    expected = expected_rounding(run, gradients=torch.float32)
    sizes = found["step_absolute_by_component"].sum(("step", "component")).to_numpy()[:, 0]
    assert (abs(found["rounding"].to_numpy()[:, 0] - expected) <= ARITHMETIC * sizes).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_where_updates_are_small_it_is_large_and_known_in_both_types(folder, dtype):
    run = Run(CREEPING, folder / f"{dtype}")
    found = run.explained(dtype)
    expected = expected_rounding(run, gradients=dtype)
    rounding = found["rounding"].to_numpy()[:, 0]
    assert abs(rounding).max() > 1e-5 * abs(found["step_data"]).sum("step").max()
    np.testing.assert_allclose(rounding, expected, rtol=0, atol=0.01 * abs(expected).max())


def expected_rounding(run: Run, gradients: torch.dtype) -> np.ndarray:
    """`sum_s <abar_s, r_s>` for each explained sample, dense quadrature in float64."""
    model, (x, target) = run.problem.model(), converted(run.queries, torch.float64)
    trained = list(model.parameters())
    total = torch.zeros(len(target), dtype=torch.float64)
    for start, end, rounded in rounded_motions(run, gradients):
        averaged = averaged_gradient(
            lambda: run.problem.functional(model(x), target), trained, start, end, NODES
        )
        total += averaged @ rounded
    return total.numpy()


def rounded_motions(
    run: Run, gradients: torch.dtype
) -> Iterator[tuple[Float[Tensor, " param"], Float[Tensor, " param"], Float[Tensor, " param"]]]:
    """`theta_s`, `theta_{s+1}` and what rounding moved in between, all float64.

    The gradient of the batch alone is computed in the type given: in float64, or as in training.
    """
    history = open_sealed(run.store).load()
    assert history["params"].dtype == np.float32
    params = torch.from_numpy(history["params"].values).double()
    model, (x, y) = run.problem.model().to(gradients), converted(run.train, gradients)
    trained, buffer = list(model.parameters()), torch.zeros_like(params[0])
    for step, (theta, end) in enumerate(pairwise(params)):
        rule = history["coefficient"].isel(step=step, tensor=0).to_series()
        batch = torch.from_numpy(history["batch"].values[step]).long()
        batch = batch[batch >= 0]
        set_values(trained, theta.to(gradients))
        loss = run.problem.loss_fn(model(x[batch]), y[batch]).mean()
        gradient = flat_gradient(loss, trained).double() + rule["l2"] * theta
        buffer = rule["mu"] * buffer + rule["nu"] * gradient
        direction = rule["alpha"] * buffer + rule["gamma"] * gradient
        update = -preconditioner(history, step, rule) * direction - rule["decoupled"] * theta
        yield theta, end, end - theta - update


def preconditioner(history: xr.Dataset, step: int, rule: pd.Series) -> float | Tensor:
    if "second_moment" not in history:
        return 1.0
    moment = torch.from_numpy(history["second_moment"].values[step]).double()
    return 1.0 / ((moment / rule["second_bias"]).sqrt() + rule["eps"])


def converted(data: tuple[Tensor, Tensor], dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    x, y = data
    return (x.to(dtype) if x.is_floating_point() else x), y
