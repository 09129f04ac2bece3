"""Self-checks of the kernel that no other test reaches through the public interface."""

import pytest
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


class Positions(nn.Module):
    """A look-up of positions that all samples share, and what the model makes of it."""

    def __init__(self, of_batch, dimensions):
        super().__init__()
        self.token, self.position = nn.Embedding(5, 4), nn.Embedding(7, 4)
        self.last, self.of_batch = nn.Linear(4, CLASSES), of_batch
        self.dimensions = dimensions

    def forward(self, x):
        places = torch.arange(x.shape[1])
        places = self.position(places if self.dimensions == 1 else places[None])
        return self.last(torch.tanh(self.token(x) + self.of_batch(places, len(x))).sum(1))


@pytest.mark.parametrize("samples", [5, 6], ids=["fewer samples", "as many samples"])
@pytest.mark.parametrize(
    ("of_batch", "dimensions", "by_rule"),
    [
        (lambda places, _: places, 2, True),
        (lambda places, _: places.mul_(2), 2, True),
        (lambda places, batch: places.expand(batch, -1, -1), 2, True),
        (lambda places, batch: places.repeat(batch, 1, 1), 2, False),
        (lambda places, _: places[0], 2, False),
        (lambda places, _: places, 1, True),
        (lambda places, _: places[None], 1, False),
        (lambda places, _: torch.tanh(places), 1, False),
    ],
    ids=["added", "in place", "expanded", "repeated", "one", "vector", "vector expanded", "used"],
)
def test_a_look_up_that_all_samples_share_is_read_off_where_the_model_stands_it(
    of_batch, dimensions, by_rule, samples
):
    torch.manual_seed(0)
    model = Positions(of_batch, dimensions).double()
    layout, theta = layout_of(model)
    gradients = gradients_of(model, layout, all_outputs)
    x, y = torch.randint(5, (samples, 6)), torch.zeros(samples, dtype=torch.int64)
    found = check_capture(gradients, theta, x[:2], y[:2])
    assert found.batched
    assert found.names == (frozenset() if by_rule else {"position.weight"})
    everything = Fallback(frozenset(slot.name for slot in layout.slots))
    by_rules, by_vmap = torch.zeros(2, samples, CLASSES, len(theta), dtype=torch.float64)
    for rows, fallback in ((by_rules, found), (by_vmap, everything)):
        for columns, place, gradient in gradients.with_fallback(fallback)(theta, x, y):
            rows[place, :, columns] = gradient
    torch.testing.assert_close(by_rules, by_vmap)
