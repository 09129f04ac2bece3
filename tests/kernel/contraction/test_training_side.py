"""The three routes to the influence of a batch agree with autograd, sample by sample."""

import pytest
import torch
from torch import nn

from explaind.kernel.contraction import training_side
from explaind.kernel.contraction.training_data import TrainingData
from explaind.kernel.contraction.training_side import TrainingSide
from explaind.kernel.trajectory.adjoint import GradientAdjoint
from tests.kernel.layers import (
    BATCH,
    CLASSES,
    cross_entropy,
    everything_by_fallback,
    gradients_of,
    layer_models,
    layer_problem,
    layout_of,
    one_by_one,
)

QUERIES, CLIP = 4, 0.5
WEIGHTS = torch.linspace(0.1, 0.5, 9, dtype=torch.float64)


@pytest.fixture(params=list(layer_models()))
def problem(request):
    return layer_problem(request.param), request.param


def side(gradients, x, y, route):
    return TrainingSide(gradients, TrainingData((x, y), torch.float64, "cpu"), route)


def expected_influence(gradients, theta, x, y, psi, index):
    per_sample = one_by_one(gradients, theta, x[index], y[index])[:, 0]
    parts = []
    for ranges in gradients.layout.component_ranges().values():
        columns = torch.cat([torch.arange(*pair) for pair in ranges])
        parts.append(per_sample[:, columns] @ psi[:, columns].T)
    return WEIGHTS[: len(index), None] * CLIP * 2.0 * torch.stack(parts)


@pytest.mark.parametrize(
    "at_once", [(training_side.WORKING_BYTES, training_side.PIECE), (1, 1), (2**20, 5), (2**20, 30)]
)
@pytest.mark.parametrize("route", ["gradients", "contracted"])
def test_routes_through_the_layers(problem, route, at_once, monkeypatch):
    """Samples one at a time or together; tensors whole or in parts, within and across groups."""
    monkeypatch.setattr(training_side, "WORKING_BYTES", at_once[0])
    monkeypatch.setattr(training_side, "PIECE", at_once[1])
    monkeypatch.setattr(training_side, "FORMED_TOGETHER", at_once[1])
    model, layout, theta, x, y = problem[0]
    gradients = gradients_of(model, layout, cross_entropy)
    psi = torch.randn(QUERIES, layout.size, dtype=torch.float64)
    index = torch.tensor([5, 0, 3, 3, 6])  # one sample twice
    found = side(gradients, x, y, route).contract(
        GradientAdjoint(psi, 2.0), theta, 0, index, WEIGHTS[: len(index)], CLIP
    )
    expected = expected_influence(gradients, theta, x, y, psi, index)
    torch.testing.assert_close(found, expected, rtol=1e-11, atol=1e-12)


def test_contracted_products_of_one_place_are_as_exact_as_those_of_gradients():
    """In float32, against the same products in float64; terms of long sums cancel."""
    torch.manual_seed(0)
    layer, batch, queries = nn.Linear(512, 256, bias=False), 8, 5
    x, psi = torch.randn(batch, 512), torch.randn(queries, 256 * 512)
    y = torch.randn(batch, 256)
    layout, theta = layout_of(layer)
    gradients = gradients_of(layer, layout, lambda output, y: (output * y).sum(1))
    expected = torch.einsum("qoi,bo,bi->bq", *(t.double() for t in (psi.view(-1, 256, 512), y, x)))
    errors = []
    for route in ("gradients", "contracted"):
        training = TrainingSide(gradients, TrainingData((x, y), torch.float32, "cpu"), route)
        weights = torch.ones(batch, dtype=torch.float64)
        index = torch.arange(batch)
        found = training.contract(GradientAdjoint(psi, 1.0), theta, 0, index, weights, 1.0)
        errors.append(float((found[0] - expected).norm() / expected.norm()))
    assert 0 < errors[1] < 2 * errors[0]
    assert errors[1] < 1e-6


@pytest.mark.parametrize("route", ["gradients", "linearised"])
def test_routes_past_the_layers(problem, route):
    (model, layout, theta, x, y), name = problem
    fallback = everything_by_fallback(name, layout)
    gradients = gradients_of(model, layout, cross_entropy, fallback)
    psi = torch.randn(QUERIES, layout.size, dtype=torch.float64)
    index = torch.arange(BATCH)
    found = side(gradients, x, y, route).contract(
        GradientAdjoint(psi, 2.0), theta, 0, index, WEIGHTS[:BATCH], CLIP
    )
    expected = expected_influence(gradients, theta, x, y, psi, index)
    torch.testing.assert_close(found, expected, rtol=1e-11, atol=1e-12)


def test_linearised_route_needs_no_vmap():
    """A loss with control flow that depends on values, which `vmap` cannot batch."""

    class Branching(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.randn(20, CLASSES, dtype=torch.float64))

        def forward(self, x):
            rows = [(row[None] if float(row[0]) > 0 else -row[None]) for row in x]
            return torch.cat(rows) @ (2 * self.weight)

    model = Branching()
    layout, theta = layout_of(model)
    x, y = torch.randn(BATCH, 20, dtype=torch.float64), torch.arange(BATCH) % CLASSES
    gradients = gradients_of(model, layout, cross_entropy)
    psi = torch.randn(1, layout.size, dtype=torch.float64)
    found = side(gradients, x, y, None).contract(
        GradientAdjoint(psi, 2.0), theta, 0, torch.arange(BATCH), WEIGHTS[:BATCH], CLIP
    )
    expected = expected_influence(gradients, theta, x, y, psi, torch.arange(BATCH))
    torch.testing.assert_close(found, expected, rtol=1e-11, atol=1e-12)
