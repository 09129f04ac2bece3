"""Per-sample gradients of all outputs, by layer rules and by the fallback, against autograd."""

import pytest
import torch
from torch import nn

from explaind.history.layout import ParameterLayout
from explaind.kernel.functionals import all_outputs
from explaind.kernel.gradients.fallback import BY_VMAP, Fallback
from tests.kernel.layers import (
    BATCH,
    CLASSES,
    everything_by_fallback,
    gradients_of,
    layer_models,
    layer_problem,
    one_by_one,
)


@pytest.mark.parametrize("limit", [None, 1])
@pytest.mark.parametrize("by_rules", [True, False], ids=["rules", "fallback"])
@pytest.mark.parametrize("name", layer_models())
def test_gradients_of_all_outputs(name, by_rules, limit):
    model, layout, theta, x, y = layer_problem(name)
    fallback = BY_VMAP if by_rules else everything_by_fallback(name, layout)
    gradients = gradients_of(model, layout, all_outputs, fallback)
    found = torch.full((BATCH, CLASSES, layout.size), torch.nan, dtype=torch.float64)
    for columns, rows, gradient in gradients(theta, x, y, limit=limit):
        found[rows, : gradient.shape[1], columns] = gradient
    outputs = one_by_one(gradients, theta, x, y)
    torch.testing.assert_close(found[:, : outputs.shape[1]], outputs, rtol=1e-11, atol=1e-12)


def test_another_fallback_leaves_the_gradients_as_they_are():
    model, layout, theta, x, y = layer_problem("linear")
    gradients = gradients_of(model, layout, all_outputs)
    other = gradients.with_fallback(Fallback(frozenset({"0.weight"})))
    assert other.capture(theta, x, y).fallback == {"0.weight"}
    assert gradients.capture(theta, x, y).fallback == frozenset()


def test_the_batch_is_counted_by_the_inputs():
    """Targets may have another first dimension."""
    model, layout, theta, x, _ = layer_problem("linear")
    gradients = gradients_of(model, layout, lambda output, y: (output * y["scale"]).sum(-1))
    y = {"scale": torch.rand(1, CLASSES, dtype=torch.float64)}
    found = torch.cat([gradient[:, 0] for _, _, gradient in gradients(theta, x, y)], 1)
    assert found.shape == (BATCH, layout.size)
    leaf = theta.clone().requires_grad_(True)
    h = gradients.function(layout.unflatten(leaf), x, y)
    (expected,) = torch.autograd.grad(h.sum(), leaf)
    torch.testing.assert_close(found.sum(0), expected)


class Autocast(nn.Module):
    """Computes in half precision inside, whatever is around it."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.first, self.last = nn.Linear(4, 5), nn.Linear(5, CLASSES)

    def forward(self, x):
        with torch.autocast("cpu", torch.bfloat16):
            return self.last(torch.tanh(self.first(x))).float()


def test_layers_in_half_precision_have_gradients_in_that_of_their_parameters():
    model = Autocast()
    layout = ParameterLayout.of(model, torch.optim.SGD(model.parameters()), None)
    theta = layout.flatten(dict(model.named_parameters())).detach()
    gradients = gradients_of(model, layout, all_outputs)
    x = torch.randn(BATCH, 4)
    found = list(gradients(theta, x, ()))
    assert {gradient.dtype for _, _, gradient in found} == {torch.float32}
    matrix = torch.cat([gradient for _, _, gradient in sorted(found, key=lambda f: f[0].start)], 2)
    leaf = theta.clone().requires_grad_(True)
    h = gradients.function(layout.unflatten(leaf), x, ())
    (expected,) = torch.autograd.grad(h.sum(), leaf)
    torch.testing.assert_close(matrix.sum((0, 1)), expected, rtol=0.05, atol=0.05)
