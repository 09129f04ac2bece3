"""Self-checks of the kernel that no other test reaches through the public interface."""

import torch
from torch import nn

from explaind.kernel.checks.gradients import check_capture
from explaind.kernel.functionals import all_outputs
from explaind.kernel.gradients.fallback import Fallback
from tests.kernel.layers import CLASSES, gradients_of, layout_of


class HiddenBatch(nn.Module):
    """A weight used in a way that no layer rule knows, one that is used on a first dimension that
    is not the batch, and one that is used as usual."""

    def __init__(self):
        super().__init__()
        self.odd = nn.Parameter(torch.randn(4, 4))
        self.mixing = nn.Linear(4, 4)
        self.last = nn.Linear(4, CLASSES)
        self.gain = nn.Parameter(torch.randn(()))

    def forward(self, x):
        x = torch.einsum("bi,ij->bj", x, self.odd)
        folded = self.mixing(x.view(1, len(x), 4).expand(2, -1, -1))  # a batch of two fits the fold
        return self.gain * self.last(folded.sum(0))


def test_tensors_without_a_rule_are_returned_and_the_gradients_left_alone():
    torch.manual_seed(0)
    model = HiddenBatch().double()
    layout, theta = layout_of(model)
    gradients = gradients_of(model, layout, all_outputs)
    x, y = torch.randn(1, 4, dtype=torch.float64), torch.zeros(1, dtype=torch.int64)
    found = check_capture(gradients, theta, x, y)
    assert found == Fallback(frozenset({"odd", "mixing.weight", "mixing.bias"}))
    batch = torch.randn(5, 4, dtype=torch.float64)
    read = {"last.weight", "last.bias", "gain"}
    assert not read & gradients.capture(theta, batch, torch.zeros(5)).fallback
    settled = gradients.with_fallback(found)
    assert settled.capture(theta, batch, torch.zeros(5)).fallback == found.names
