"""Several steps at once: what each gives alone, with as many subintervals for every sample."""

import pytest
import torch
from torch import nn
from torch.optim import SGD

import explaind
from explaind.errors import UnsupportedError
from explaind.history.layout import ParameterLayout
from explaind.history.replay.history import Block
from explaind.kernel.functionals import ModelFunction, all_outputs, target_logprob
from explaind.kernel.gradients import stacked
from explaind.kernel.gradients.per_sample import PerSampleGradients
from explaind.kernel.gradients.stacked import stacked_passes
from explaind.kernel.query import stacked_steps
from explaind.kernel.query.derivative import FullGradient
from explaind.kernel.query.quadrature import Quadrature
from explaind.kernel.query.queries import Queries
from explaind.kernel.query.stacked_steps import StackedSteps
from tests.kernel.engine import SMOOTH, record, steps_of
from tests.oracles.dense_midpoint import averaged_gradient, gauss_legendre_nodes, midpoint_nodes
from tests.oracles.problems import Problem
from tests.oracles.smooth_models import CLASSES, FEATURES

SAMPLES, WIDTH, OUTPUTS, STEPS = 6, 12, 4, 5
KINKS = Quadrature(rule="secant", tolerance=0.001, max_subintervals=32)
CURVES = Quadrature(rule="gauss_legendre", nodes=2, tolerance=1e-5, max_subintervals=16)
ONE, TWO = (Quadrature(rule="secant", tolerance=tol, max_subintervals=2) for tol in (None, 0.0))


class Tokens(nn.Module):
    """Attention among embedded tokens."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(5, 4)
        self.attention = nn.MultiheadAttention(4, 2, batch_first=True)
        self.norm, self.last = nn.LayerNorm(4), nn.Linear(4, OUTPUTS)

    def forward(self, x):
        tokens = self.embedding((x.abs() * 2).long() % 5)
        return self.last(self.norm(tokens + self.attention(tokens, tokens, tokens)[0]).sum(1))


def mlp(activation):
    return nn.Sequential(nn.Linear(WIDTH, 16), activation(), nn.Linear(16, OUTPUTS))


PROBLEMS = {
    "relu": (lambda: mlp(nn.ReLU), KINKS),
    "relu, never refined": (lambda: mlp(nn.ReLU), ONE),
    "relu, always refined": (lambda: mlp(nn.ReLU), TWO),
    "relu, plain rule": (lambda: mlp(nn.ReLU), CURVES),
    "gelu": (lambda: mlp(nn.GELU), CURVES),
    "gelu, three nodes": (lambda: mlp(nn.GELU), SMOOTH),
    "tokens": (Tokens, CURVES),
    "pooled": (
        lambda: nn.Sequential(
            *(nn.Unflatten(1, (1, 3, 4)), nn.Conv2d(1, 6, 2, padding=1), nn.ReLU()),
            *(nn.MaxPool2d(2), nn.Flatten(), nn.Linear(24, OUTPUTS)),
        ),
        KINKS,
    ),
}
REFINED = ["relu", "gelu", "tokens", "pooled"]
"""Problems in which some samples are refined and others are not."""


def problem(name, function=target_logprob):
    """Queries one by one and together, some steps, and what they are made of."""
    torch.manual_seed(0)
    make, quadrature = PROBLEMS[name]
    model = make().double()
    x = torch.randn(SAMPLES, WIDTH, dtype=torch.float64)
    y = torch.arange(SAMPLES) % OUTPUTS
    layout = ParameterLayout.of(model, SGD(model.parameters()))
    moves = torch.randn(STEPS, layout.size, dtype=torch.float64)
    sizes = torch.tensor([0.3, 0.01, 0.1, 0.001, 0.2], dtype=torch.float64)
    start = layout.flatten(dict(model.named_parameters()))
    path = torch.cat([start[None], start + (sizes[:, None] * moves).cumsum(0)])
    gradients = PerSampleGradients(ModelFunction(model, {}, function), layout)
    passes = stacked_passes(gradients, path[0], x, y, recording=quadrature.rule == "secant")
    together = StackedSteps(passes, layout, quadrature, x, y)
    alone = Queries(FullGradient(gradients), quadrature, x, y, block=256, sample_first=True)
    return alone, together, steps_of(path), (model, x, y)


def assert_same(found, expected):
    for field in ("averaged", "explained", "change"):
        one, other = getattr(found, field), getattr(expected, field)
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-12)
    assert torch.equal(found.subintervals, expected.subintervals)


@pytest.mark.parametrize("function", [target_logprob, all_outputs])
@pytest.mark.parametrize("name", PROBLEMS)
def test_every_step_is_what_it_is_alone(name, function):
    alone, together, steps, _ = problem(name, function)
    found = list(together.derivatives(steps))
    assert len(found) == STEPS
    for step, derivative in zip(steps, found, strict=True):
        assert_same(derivative, alone.step(step))
    counts = torch.stack([derivative.subintervals for derivative in found])
    if name in REFINED:
        assert len(counts.unique()) > 2
        assert any(len(of_step.unique()) > 1 for of_step in counts)


@pytest.mark.parametrize("name", ["relu", "gelu", "pooled"])
def test_averaged_gradients_are_those_of_a_dense_rule(name):
    _, together, steps, (model, x, y) = problem(name)
    nodes = gauss_legendre_nodes(6, 4) if name == "gelu" else midpoint_nodes(300)
    for step, found in zip(steps[:2], together.derivatives(steps[:2]), strict=True):
        expected = averaged_gradient(
            lambda: target_logprob(model(x), y),
            list(model.parameters()),
            step.start,
            step.end,
            nodes,
        )
        error = (found.averaged[:, 0] - expected).norm() / expected.norm()
        assert error < 0.01


@pytest.mark.parametrize("function", [target_logprob, all_outputs])
@pytest.mark.parametrize("name", PROBLEMS)
def test_gradients_are_added_to_a_matrix_as_what_they_are_sums_of(name, function):
    _, together, steps, _ = problem(name, function)
    for derivative in together.derivatives(steps):
        place = torch.randn_like(derivative.matrix)
        before = place.clone()
        derivative.add_to(place, -0.3)
        expected = before - 0.3 * derivative.matrix
        torch.testing.assert_close(place, expected, rtol=1e-12, atol=1e-13)


def grouped(name, most, monkeypatch):
    """Queries with stacked steps, and the numbers of the steps of every group."""
    alone, together, steps, _ = problem(name)
    together.most, groups = most, []
    real = StackedSteps.derivatives

    def seen(self, group):
        groups.append([step.number for step in group])
        return real(self, group)

    monkeypatch.setattr(StackedSteps, "derivatives", seen)
    alone._stacked = together
    return alone, steps, groups


def test_groups_are_the_same_however_the_history_is_read(monkeypatch):
    """In one block or in two; a block is not held by a group that goes on in another."""
    both, steps, groups = grouped("gelu", 3, monkeypatch)
    for path in (steps, [step._replace(block=of_two(step, steps)) for step in steps]):
        groups.clear()
        numbers = []
        for step, _ in both.along(path):
            numbers.append(step.number)
            assert (step.block.start, step.block.stop) == (step.number, step.number + 1)
            assert torch.equal(step.block.theta(step.number), path[STEPS - 1 - step.number].start)
        assert numbers == [4, 3, 2, 1, 0]
        assert groups == [[4, 3], [2, 1, 0]]


def of_two(step, steps):
    """One of two blocks of the history: of the steps below 3, or of the others."""
    start, stop = (0, 3) if step.number < 3 else (3, STEPS)
    own = [other for other in steps if start <= other.number < stop]
    return Block(start, stop, torch.stack([own[0].end, *(s.start for s in own)]).flip(0), None)


def test_a_group_that_the_model_does_not_take_is_explained_one_by_one(monkeypatch):
    alone, _, steps, _ = problem("relu")
    both, steps, _ = grouped("relu", 2, monkeypatch)
    calls = []
    real = stacked.StackedPasses.capture

    def now_and_then(self, *arguments):
        calls.append(arguments)
        if len(calls) == 2:
            raise UnsupportedError("The model calls other layers in another batch.")
        return real(self, *arguments)

    monkeypatch.setattr(stacked.StackedPasses, "capture", now_and_then)
    for step, derivative in both.along(steps):
        assert_same(derivative, alone.step(step))


def network(activation):
    """A model of the recorded problems."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(FEATURES, 9), activation(), nn.Linear(9, CLASSES)).double()


def test_a_group_that_needs_many_nodes_is_explained_one_by_one(monkeypatch):
    alone, together, steps, _ = problem("relu")
    monkeypatch.setattr(stacked_steps, "NODES", 1)
    together.most = STEPS
    with pytest.raises(UnsupportedError, match="Too many subintervals"):
        together.derivatives(steps)
    both, steps, _ = grouped("relu", STEPS, monkeypatch)
    for step, derivative in both.along(steps):
        assert_same(derivative, alone.step(step))


@pytest.mark.parametrize("activation", [nn.ReLU, nn.GELU])
@pytest.mark.parametrize("chunk", [1, 8])
def test_a_run_is_explained_together_as_step_by_step(activation, chunk, tmp_path, monkeypatch):
    task = Problem(
        "sgd",
        lambda model: SGD(model.parameters(), lr=0.2, momentum=0.9),
        make_model=lambda: network(activation),
        steps=16,
    )
    model = record(task, tmp_path / "run.zarr", chunk=chunk)
    kernel = explaind.PathKernel(tmp_path / "run.zarr", model, task.loss_fn, task.train_data())
    passes = []
    real = StackedSteps.derivatives
    monkeypatch.setattr(
        StackedSteps, "derivatives", lambda self, group: passes.append(group) or real(self, group)
    )
    together = kernel.explain(*task.test_data())
    assert sum(len(group) for group in passes) == 16
    assert max(len(group) for group in passes) >= 4
    monkeypatch.setattr(stacked, "MOST_NUMBERS", 0)
    passes.clear()
    alone = kernel.explain(*task.test_data())
    assert not passes
    for name in alone:
        found, expected = (torch.as_tensor(run[name].values) for run in (together, alone))
        torch.testing.assert_close(found, expected, rtol=1e-8, atol=1e-12)
