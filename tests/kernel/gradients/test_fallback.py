"""The fallback: what it is told of, and where it ends. Each kind of layer is in `tests/support`."""

import logging

import pytest
import torch
from torch import nn
from torch.optim import SGD
from torch.utils.checkpoint import DefaultDeviceType, checkpoint

import explaind
from explaind.errors import UnsupportedError
from explaind.kernel.checks.gradients import check_capture
from explaind.kernel.functionals import all_outputs
from explaind.kernel.gradients.fallback import BY_VMAP
from explaind.kernel.query.quadrature import Quadrature
from tests.kernel.engine import explain, record
from tests.kernel.layers import gradients_of, layout_of
from tests.oracles.problems import Problem
from tests.oracles.smooth_models import CLASSES, FEATURES
from tests.support.calls import OwnProduct

PLACES = 3
BY_RULE, ONE_BY_ONE = "layer rule", "one autograd call per sample"
VMAP = "`vmap`"


class Layer(nn.Module):
    """A layer, called in some way, and a linear layer that reads it out."""

    def __init__(self, layer, call, width):
        super().__init__()
        self.layer, self.call = layer, call
        self.last = nn.Linear(width, CLASSES)

    def forward(self, x):
        return self.last(torch.tanh(self.call(self.layer, x).flatten(1)))


def own_function(layer, x):
    return OwnProduct.apply(x[:, None], layer.weight[0])


def branching(layer, x):
    """Control flow that depends on values."""
    return torch.cat([layer(row[None]) if row.sum() > 0 else -layer(row[None]) for row in x])


def vectors(count, seed):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(count, FEATURES, generator=generator, dtype=torch.float64)
    return x, torch.randint(CLASSES, (count,), generator=generator)


@pytest.fixture(autouse=True)
def _checkpoints_on_the_cpu(monkeypatch):
    """The default is any accelerator, and the simulated one of other tests knows no autocast."""
    monkeypatch.setattr(DefaultDeviceType, "_default_device_type", "cpu")


def problem_of(layer, call, width):
    return Problem(
        "kind",
        lambda model: SGD(model.parameters(), lr=0.2),
        make_model=lambda: Layer(layer(), call, width),
        make_data=vectors,
        steps=4,
    )


def test_all_outputs_are_rebuilt_without_forward_mode(tmp_path, caplog):
    problem = problem_of(lambda: nn.Linear(4, 1, bias=False), own_function, 4)
    model = record(problem, tmp_path / "run.zarr")
    kernel = explaind.PathKernel(
        tmp_path / "run.zarr", model, problem.loss_fn, problem.train_data()
    )
    with caplog.at_level(logging.INFO, logger="explaind.kernel"):
        rebuilt = kernel.reformulate(*problem.test_data())
    assert "no derivative in forward mode" in caplog.text
    error = abs(rebuilt.reformulated - rebuilt.true).max()
    assert float(error) < 1e-6 * float(abs(rebuilt.true - rebuilt.initial).max())


def kinked(layer, x):
    return checkpoint(lambda z: torch.relu(layer(z)), x, use_reentrant=False)


@pytest.mark.parametrize("call", [kinked, lambda layer, x: torch.relu(branching(layer, x))])
def test_kinks_that_the_secant_rule_cannot_follow_are_integrated_plainly(call, tmp_path):
    problem = problem_of(lambda: nn.Linear(4, 3), call, 3)
    model = record(problem, tmp_path / "run.zarr")
    influence = explain(problem, tmp_path / "run.zarr", model, quadrature=Quadrature())
    assert influence.attrs["quadrature_rule"] == ("gauss_legendre" if call is kinked else "secant")
    moved = abs(influence.final_output - influence.initial_output).max()
    if call is kinked:
        with pytest.raises(UnsupportedError, match="secant cannot follow"):
            explain(problem, tmp_path / "run.zarr", model, quadrature=Quadrature(rule="secant"))
    left = abs(influence.step_residual.sum("step")).max()
    assert float(left) < 0.02 * float(moved)


def test_gradients_that_torch_batches_wrongly_are_taken_one_by_one():
    """A backward pass that is right for one sample at a time only."""

    class Wrong(torch.autograd.Function):
        generate_vmap_rule = True

        @staticmethod
        def forward(x, weight):
            return x * weight

        @staticmethod
        def setup_context(ctx, inputs, _):
            ctx.save_for_backward(*inputs)

        @staticmethod
        def backward(ctx, gradient):
            x, weight = ctx.saved_tensors
            factor = 2.0 if torch._C._functorch.maybe_current_level() else 1.0
            return gradient * weight, factor * (gradient * x).sum(0)

    model = Layer(
        nn.Linear(4, 1, bias=False), lambda layer, x: Wrong.apply(x, layer.weight[0]), 4
    ).double()
    layout, theta = layout_of(model)
    gradients = gradients_of(model, layout, all_outputs)
    found = check_capture(gradients, theta, *vectors(3, 0))
    assert not found.batched
    assert "layer.weight" in found.names
    assert found != BY_VMAP
