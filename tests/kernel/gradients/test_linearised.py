"""Derivatives along an adjoint against gradients of single samples."""

import torch
from torch import nn

from explaind.kernel.functionals import whole_output
from explaind.kernel.gradients.linearised import LinearisedBatch
from tests.kernel.layers import cross_entropy, gradients_of, layout_of, one_by_one


def test_derivatives_are_products_with_the_gradients_of_every_sample():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3)).double()
    layout, theta = layout_of(model)
    gradients = gradients_of(model, layout, cross_entropy)
    x, y = torch.randn(6, 4, dtype=torch.float64), torch.arange(6) % 3
    names = frozenset({"0.weight", "2.bias"})
    batch = LinearisedBatch(gradients.function, layout, names, theta, x, y, weight=0.5)
    psi = torch.zeros_like(theta)
    for slot in layout.slots:
        if slot.name in names:
            psi[slot.start : slot.stop] = torch.randn(slot.stop - slot.start)
    directions = {name: part for name, part in layout.unflatten(psi).items() if name in names}
    expected = 0.5 * one_by_one(gradients, theta, x, y)[:, 0] @ psi
    torch.testing.assert_close(batch.along(directions), expected)
    some = {"2.bias": directions["2.bias"]}  # tensors left out count as zero
    assert not torch.allclose(batch.along(some), expected)


class Partly(nn.Module):
    """One parameter is used, the other one is not."""

    def __init__(self):
        super().__init__()
        self.used, self.other = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(3))

    def forward(self, x):
        return x @ self.used


def test_losses_that_depend_on_nothing_have_no_derivative():
    layout, theta = layout_of(model := Partly())
    function = gradients_of(model, layout, whole_output).function
    x, names = torch.randn(4, 2), frozenset({"used", "other"})
    batch = LinearisedBatch(function, layout, names, theta, x, torch.zeros(4), weight=1.0)
    assert torch.equal(batch.along({"other": torch.ones(3)}), torch.zeros(4))
    torch.testing.assert_close(batch.along({"used": torch.ones(2)}), x.sum(1))
