"""Gradients of a batch: those of tied and reused tensors add up, of what is not used are zero."""

import torch
from torch import nn

from explaind.kernel.functionals import all_outputs
from explaind.kernel.gradients.captured_batch import CapturedBatch, Portion, joined
from tests.kernel.layers import Tied, gradients_of, layout_of, one_by_one


class WithUnused(Tied):
    """The same with a parameter that nothing uses."""

    def __init__(self):
        super().__init__()
        self.unused = nn.Parameter(torch.randn(3))


def first_output(output, _):
    return output[:, 0]


def captured(function):
    """Gradients of a function of the model, what was captured, and the gradients by autograd."""
    torch.manual_seed(0)
    model = WithUnused().double()
    layout, theta = layout_of(model)
    gradients = gradients_of(model, layout, function)
    x, y = torch.randn(4, 20, dtype=torch.float64), torch.zeros(4, dtype=torch.int64)
    return layout, gradients.capture(theta, x, y), one_by_one(gradients, theta, x, y)


def test_gradients_of_all_calls_add_up():
    layout, batch, expected = captured(all_outputs)
    assert isinstance(batch, CapturedBatch)
    assert (batch.samples, batch.outputs, batch.fallback) == (4, 3, frozenset())
    rows = slice(1, 3)
    for slot in layout.slots:
        parts = [slice(0, 1), slice(1, slot.entries)]
        found = torch.cat([*batch.gradients(slot, rows, parts)], 2)
        torch.testing.assert_close(found, expected[rows, :, slot.start : slot.stop])
    calls = {slot.name: len(batch.calls(slot)) for slot in layout.slots}
    assert calls == {"embedding.weight": 2, "mixer.weight": 2, "mixer.bias": 2, "unused": 0}


def test_products_with_the_adjoint_add_up_and_work_is_counted_by_call():
    layout, batch, expected = captured(first_output)
    for slot in layout.slots:
        psi = torch.randn(2, slot.stop - slot.start, dtype=torch.float64)
        if slot.name.endswith("weight"):
            found = batch.contraction(slot, psi, slice(0, 4))
            products = expected[:, 0, slot.start : slot.stop] @ psi.T
            torch.testing.assert_close(found, products)
        sizes = [work.gradient for work in batch.work(slot)]
        assert sizes == [slot.stop - slot.start] * len(batch.calls(slot))


def test_batches_are_joined_with_weighted_gradients():
    layout, batch, expected = captured(all_outputs)
    twice = batch.of_samples(torch.tensor([3, 0]))
    weights = torch.tensor([2.0, -1.0, 0.5, 3.0]).double()
    portions = [
        Portion(batch, torch.tensor([6, 1, 0, 3]), weights),
        Portion(twice, torch.tensor([4, 2]), torch.ones(2).double()),
    ]
    whole = joined(portions, 8)
    assert (whole.samples, whole.outputs) == (8, 3)
    wanted = torch.zeros(8, *expected.shape[1:], dtype=torch.float64)
    wanted[[6, 1, 0, 3]] = weights[:, None, None] * expected
    wanted[[4, 2]] = expected[[3, 0]]
    for slot in layout.slots:
        (found,) = whole.gradients(slot, slice(0, 8), [slice(0, slot.entries)])
        torch.testing.assert_close(found, wanted[:, :, slot.start : slot.stop])
