"""The three routes to the influence of a batch agree with autograd, sample by sample."""

import pytest
import torch
from torch import nn

from explaind.history.layout import ParameterLayout
from explaind.kernel.contraction import routes, training_side
from explaind.kernel.contraction.training_data import TrainingData
from explaind.kernel.contraction.training_side import TrainingSide
from explaind.kernel.functionals import ModelFunction, all_outputs
from explaind.kernel.gradients import Work
from explaind.kernel.gradients.per_sample import PerSampleGradients
from explaind.kernel.trajectory.adjoint import GradientAdjoint
from tests.kernel.layers import CLASSES, layer_models

BATCH, QUERIES, WEIGHT, CLIP = 7, 4, 0.25, 0.5


def cross_entropy(output, target):
    return nn.functional.cross_entropy(output, target, reduction="none")


@pytest.fixture(params=list(layer_models()))
def problem(request):
    torch.manual_seed(1)
    model = layer_models()[request.param].double()
    layout = ParameterLayout.of(model, torch.optim.SGD(model.parameters(), lr=0.1))
    theta = layout.flatten(dict(model.named_parameters()))
    x = torch.randn(BATCH, 20, dtype=torch.float64)
    y = torch.arange(BATCH) % CLASSES
    return model, layout, theta, x, y


def gradients_of(model, layout, functional):
    return PerSampleGradients(ModelFunction(model, dict(model.named_buffers()), functional), layout)


def one_by_one(gradients, theta, x, y):
    """Gradients `[batch, output, param]` by plain autograd."""
    rows = []
    for i in range(len(y)):
        leaf = theta.clone().requires_grad_(True)
        h = gradients.function(gradients.layout.unflatten(leaf), x[i : i + 1], y[i : i + 1])
        outputs = h.reshape(-1)
        rows.append(
            torch.stack([torch.autograd.grad(o, leaf, retain_graph=True)[0] for o in outputs])
        )
    return torch.stack(rows)


def side(gradients, x, y, route):
    return TrainingSide(gradients, TrainingData((x, y), torch.float64, "cpu"), route)


def expected_influence(gradients, theta, x, y, psi, index):
    per_sample = one_by_one(gradients, theta, x[index], y[index])[:, 0]
    parts = []
    for ranges in gradients.layout.component_ranges().values():
        columns = torch.cat([torch.arange(*pair) for pair in ranges])
        parts.append(per_sample[:, columns] @ psi[:, columns].T)
    return WEIGHT * CLIP * 2.0 * torch.stack(parts)


@pytest.mark.parametrize("limit", [None, 1])
def test_gradients_of_all_outputs(problem, limit):
    model, layout, theta, x, y = problem
    gradients = gradients_of(model, layout, all_outputs)
    found = torch.full((BATCH, CLASSES, layout.size), torch.nan, dtype=torch.float64)
    for slot, rows, gradient in gradients(theta, x, y, limit=limit):
        found[rows, :, slot.start : slot.stop] = gradient[:, :CLASSES]
    outputs = one_by_one(gradients, theta, x, y)
    torch.testing.assert_close(found[:, : outputs.shape[1]], outputs, rtol=1e-11, atol=1e-12)


def test_every_layer_is_recognised(problem):
    model, layout, theta, x, y = problem
    _, general = gradients_of(model, layout, all_outputs).backward_pass(theta, x, y)
    assert general == frozenset()


@pytest.mark.parametrize(
    "at_once", [(training_side.WORKING_BYTES, training_side.PIECE), (1, 1), (2**20, 5), (2**20, 30)]
)
@pytest.mark.parametrize("route", ["gradients", "contracted"])
def test_routes_through_the_layers(problem, route, at_once, monkeypatch):
    """Samples one at a time or together; tensors whole or in parts, within and across groups."""
    monkeypatch.setattr(training_side, "WORKING_BYTES", at_once[0])
    monkeypatch.setattr(training_side, "PIECE", at_once[1])
    model, layout, theta, x, y = problem
    gradients = gradients_of(model, layout, cross_entropy)
    psi = torch.randn(QUERIES, layout.size, dtype=torch.float64)
    index = torch.tensor([5, 0, 3, 3, 6])  # one sample twice
    found = side(gradients, x, y, route).contract(
        GradientAdjoint(psi, 2.0), theta, 0, index, WEIGHT, CLIP
    )
    expected = expected_influence(gradients, theta, x, y, psi, index)
    torch.testing.assert_close(found, expected, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("route", ["gradients", "linearised"])
def test_routes_past_the_layers(problem, route):
    model, layout, theta, x, y = problem
    gradients = gradients_of(model, layout, cross_entropy)
    gradients.force_fallback(frozenset(slot.name for slot in layout.slots))
    psi = torch.randn(QUERIES, layout.size, dtype=torch.float64)
    index = torch.arange(BATCH)
    found = side(gradients, x, y, route).contract(
        GradientAdjoint(psi, 2.0), theta, 0, index, WEIGHT, CLIP
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
    layout = ParameterLayout.of(model, torch.optim.SGD(model.parameters(), lr=0.1))
    theta = layout.flatten(dict(model.named_parameters()))
    x, y = torch.randn(BATCH, 20, dtype=torch.float64), torch.arange(BATCH) % CLASSES
    gradients = gradients_of(model, layout, cross_entropy)
    psi = torch.randn(1, layout.size, dtype=torch.float64)
    found = side(gradients, x, y, None).contract(
        GradientAdjoint(psi, 2.0), theta, 0, torch.arange(BATCH), WEIGHT, CLIP
    )
    expected = expected_influence(gradients, theta, x, y, psi, torch.arange(BATCH))
    torch.testing.assert_close(found, expected, rtol=1e-11, atol=1e-12)


def test_padded_and_scaled_embeddings_are_left_to_the_general_route():
    for options in ({"padding_idx": 1}, {"max_norm": 1.0}, {"scale_grad_by_freq": True}):
        model = nn.Sequential(nn.Embedding(6, 4, **options), nn.Flatten())
        layout = ParameterLayout.of(model, torch.optim.SGD(model.parameters(), lr=0.1))
        theta = layout.flatten(dict(model.named_parameters()))
        gradients = gradients_of(model, layout, all_outputs)
        tokens, targets = torch.zeros(2, 3, dtype=torch.int64), torch.zeros(2, dtype=torch.int64)
        _, general = gradients.backward_pass(theta, tokens, targets)
        assert general == {"0.weight"}


def test_thin_layers_with_few_queries_are_contracted():
    work = Work(
        gradient=512 * 64, read=576, forming=2 * 512 * 64, contracting=2 * 512 * 64, between=64
    )
    assert routes.cheapest(routes.layer_costs([work], 10)) == "contracted"


def test_many_places_with_many_queries_form_gradients():
    work = Work(
        gradient=4096,
        read=256 * 128,
        forming=2 * 256 * 4096,
        contracting=2 * 256 * 4096,
        between=256 * 64,
    )
    assert routes.cheapest(routes.layer_costs([work], 100)) == "gradients"


def test_one_query_past_the_layers_is_linearised():
    assert routes.cheapest(routes.general_costs(1, 1)) == "linearised"
    assert routes.cheapest(routes.general_costs(100, 1)) == "gradients"
