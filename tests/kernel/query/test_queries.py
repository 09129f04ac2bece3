"""The query side of a step: what is refined, from what, and what it keeps in memory."""

import weakref
from concurrent.futures import Executor, Future
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.optim import SGD

import explaind
from explaind import prefetch
from explaind.history.layout import ParameterLayout
from explaind.history.replay.history import History
from explaind.kernel.functionals import ModelFunction, all_outputs, target_logprob
from explaind.kernel.gradients import stacked
from explaind.kernel.gradients.per_sample import PerSampleGradients
from explaind.kernel.query.derivative import FullGradient
from explaind.kernel.query.quadrature import Quadrature
from explaind.kernel.query.queries import Queries
from tests.kernel.engine import SMOOTH, record, steps_of
from tests.oracles.dense_midpoint import averaged_gradient, midpoint_nodes
from tests.oracles.problems import Problem

SAMPLES, FEATURES, CLASSES = 6, 8, 4
SECANT = Quadrature(rule="secant", tolerance=0.005, max_subintervals=32)


@pytest.fixture(scope="module")
def step():
    """A confident network with kinks, samples of its own classes, and a step of it."""
    torch.manual_seed(0)
    layers = nn.Linear(FEATURES, 24), nn.ReLU(), nn.Linear(24, CLASSES), nn.LogSoftmax(-1)
    model = nn.Sequential(*layers).double()
    with torch.no_grad():
        model[2].weight.mul_(30.0)
    x = torch.randn(SAMPLES, FEATURES, dtype=torch.float64)
    layout = ParameterLayout.of(model, SGD(model.parameters()))
    start = layout.flatten(dict(model.named_parameters()))
    end = start + 0.1 * torch.randn_like(start)
    return model, layout, x, model(x).argmax(1).detach(), (start, end)


def derivative(step, function, quadrature=SECANT, *, sample_first=True):
    model, layout, x, y, ends = step
    gradient = FullGradient(PerSampleGradients(ModelFunction(model, {}, function), layout))
    side = Queries(gradient, quadrature, x, y, block=256, sample_first=sample_first)
    return side.step(*steps_of(torch.stack(ends)))


def reference(step):
    """Averaged gradients of the true class by a dense midpoint rule."""
    model, _, x, y, ends = step

    def outputs():
        return target_logprob(model(x), y)

    return averaged_gradient(outputs, list(model.parameters()), *ends, midpoint_nodes(300))


def test_a_small_output_is_as_exact_among_all_outputs_as_alone(step):
    """The log-probability of a confident class moves little where those of the others move much."""
    y = step[3]
    alone, together = derivative(step, target_logprob), derivative(step, all_outputs)
    found = together.averaged[torch.arange(SAMPLES), y]
    assert together.change.abs().amax(1).div(alone.change.abs()[:, 0]).median() > 10
    assert (together.subintervals >= alone.subintervals).all()
    expected = reference(step)
    error, of_one = ((values - expected).norm(dim=1) for values in (found, alone.averaged[:, 0]))
    assert (error <= 1.1 * of_one + 1e-3 * expected.norm(dim=1)).all()


def test_ends_that_cannot_be_picked_out_are_computed_again(step):
    first, again = (
        derivative(step, all_outputs, sample_first=sample_first) for sample_first in (True, False)
    )
    assert len(first.subintervals.unique()) > 1  # some samples were refined, others were not
    torch.testing.assert_close(first.averaged, again.averaged, rtol=1e-10, atol=1e-12)
    assert torch.equal(first.subintervals, again.subintervals)


class AtOnce(Executor):
    """A thread that has always made what it was told to when the next line is reached."""

    def __init__(self, *_, **__):
        """Take what a pool of threads does."""

    def submit(self, function, *arguments):
        future = Future()
        future.set_result(function(*arguments))
        return future


@pytest.mark.parametrize("numbers", [0, stacked.MOST_NUMBERS], ids=["one by one", "in groups"])
def test_no_more_than_two_blocks_of_the_history_are_alive(numbers, tmp_path, monkeypatch):
    """The one that is worked on and the one that is read ahead, from when its reading begins."""
    monkeypatch.setattr(stacked, "MOST_NUMBERS", numbers)
    problem = Problem("sgd", lambda model: SGD(model.parameters(), lr=0.1), steps=16)
    model = record(problem, tmp_path / "run.zarr", chunk=1)
    memory, alive = [], []
    read = History.read

    def watched(self, start, stop):
        alive.append(1 + sum(numbers() is not None for numbers in memory))
        block = read(self, start, stop)
        numbers = block.params.numpy().copy()  # lives as long as a view of the block
        memory.append(weakref.ref(numbers))
        return replace(block, params=torch.from_numpy(numbers))

    data = problem.train_data()
    kernel = explaind.PathKernel(
        tmp_path / "run.zarr", model, problem.loss_fn, data, quadrature=SMOOTH
    )
    monkeypatch.setattr(prefetch, "ThreadPoolExecutor", AtOnce)
    monkeypatch.setattr(History, "read", watched)
    kernel.explain(*problem.test_data(), keep=())
    assert len(memory) == 4
    assert max(alive) == 2
