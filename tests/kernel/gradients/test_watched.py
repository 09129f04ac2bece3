"""Layer outputs that are watched: the gradient by each of them is found, whatever comes after."""

import pytest
import torch

from explaind.errors import UnsupportedError
from explaind.kernel.gradients.watched import Edges, Noted, Shifted


def outputs():
    """An output with a graph, one without, and a tensor that is a leaf of its own."""
    torch.manual_seed(0)
    return torch.randn(4, requires_grad=True) * 2, torch.randn(4), torch.randn(4)


def value(watched, with_graph, without, alone):
    """A number made of all of them, two of them changed in place."""
    first, second = watched.output(with_graph), watched.output(without)
    factor = watched.leaf(alone)
    first.mul_(3.0)
    second.add_(1.0)
    return (first * second * factor).sum()


def expected():
    """Gradients by the outputs as they were before the changes."""
    with_graph, without, alone = (tensor.detach() for tensor in outputs())
    first, second = 3 * with_graph, without + 1
    return [3 * second * alone, first * alone, first * second]


def test_autograd_finds_the_gradients_at_the_places():
    watched = Edges()
    h = value(watched, *outputs())
    for found, gradient in zip(torch.autograd.grad(h, watched.places), expected(), strict=True):
        torch.testing.assert_close(found, gradient)


def test_gradients_by_zeros_are_those_by_the_outputs():
    zeros = [torch.zeros(4, requires_grad=True) for _ in range(3)]
    h = value(Shifted(zeros), *outputs())
    for found, gradient in zip(torch.autograd.grad(h, zeros), expected(), strict=True):
        torch.testing.assert_close(found, gradient)


def test_what_is_noted_is_left_as_it_is():
    noted, tensors = Noted(), outputs()
    with torch.no_grad():
        value(noted, *tensors)
    assert all(one is other for one, other in zip(noted.outputs, tensors, strict=True))


@pytest.mark.parametrize(
    "zeros", [[], [torch.zeros(3)], [torch.zeros(4).double()]], ids=["none", "shape", "type"]
)
def test_a_zero_for_another_output_is_refused(zeros):
    with pytest.raises(UnsupportedError, match="other layers"):
        Shifted(zeros).output(torch.ones(4))
