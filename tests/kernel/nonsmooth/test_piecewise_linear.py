"""Secant slopes against difference quotients, and which calls are known."""

import pytest
import torch
from torch.nn import functional

from explaind.kernel.nonsmooth.piecewise_linear import (
    ElementwiseOp,
    PoolOp,
    pooled_with_leads,
    recognised_op,
    secant_slope,
    with_slope,
)

OPS = {
    "relu": (functional.relu, {}),
    "leaky": (functional.leaky_relu, {"negative_slope": 0.2}),
    "relu6": (functional.relu6, {}),
    "hardtanh": (functional.hardtanh, {"min_val": -0.5, "max_val": 2.0}),
    "abs": (torch.abs, {}),
    "clamp": (torch.clamp, {"min": -0.5}),
    "clip": (torch.Tensor.clip, {"max": 0.7}),
}


@pytest.mark.parametrize("name", OPS)
def test_slopes_are_difference_quotients(name):
    function, options = OPS[name]
    a, b = (4 * torch.randn(500, dtype=torch.float64) for _ in range(2))
    op = recognised_op(function, (a,), options)
    assert isinstance(op, ElementwiseOp)
    quotient = (function(b, **options) - function(a, **options)) / (b - a)
    torch.testing.assert_close(secant_slope(op.pieces, a, b), quotient)


@pytest.mark.parametrize("name", OPS)
def test_where_an_input_rests_the_slope_is_the_derivative(name):
    function, options = OPS[name]
    z = (4 * torch.randn(500, dtype=torch.float64)).requires_grad_(True)
    op = recognised_op(function, (z.detach(),), options)
    (derivative,) = torch.autograd.grad(function(z, **options).sum(), z)
    torch.testing.assert_close(secant_slope(op.pieces, op.z, op.z.clone()), derivative)


def test_slopes_keep_their_digits_where_quotients_lose_them():
    a = torch.tensor([1.0, -1.0])
    b = a + 1e-7
    assert secant_slope(((0.0,), (0.0, 1.0)), a, b).tolist() == [1.0, 0.0]


def test_bounds_that_are_tensors_and_other_functions_are_not_known():
    z = torch.randn(3)
    assert recognised_op(torch.clamp, (z,), {"min": torch.zeros(3)}) is None
    assert recognised_op(torch.relu, (torch.arange(3),), {}) is None  # positions
    assert recognised_op(torch.tanh, (z,), {}) is None


def test_a_value_keeps_and_its_derivative_is_the_slope():
    z = torch.randn(4, requires_grad=True)
    slope = torch.tensor([0.0, 0.25, 1.0, -2.0])
    value = with_slope(torch.relu(z), z, slope)
    assert torch.equal(value, torch.relu(z))
    (gradient,) = torch.autograd.grad(value.sum(), z)
    assert torch.equal(gradient, slope)


def test_pooling_shares_its_gradient_by_the_leads():
    """The first of two pixels leads by 3 at the start, the second by 1 at the end."""
    start, end = torch.tensor([[[5.0, 2.0]]]), torch.tensor([[[3.0, 4.0]]])
    first, second = torch.tensor([[[0]]]), torch.tensor([[[1]]])
    z = ((start + end) / 2).requires_grad_(True)
    op = recognised_op(functional.max_pool1d, (z, 2), {})
    assert isinstance(op, PoolOp)
    assert torch.equal(op.selected, first)
    ends = (PoolOp(start, first, 1), PoolOp(end, second, 1))
    value = functional.max_pool1d(z, 2)
    pooled = pooled_with_leads(value, op, *ends)
    assert torch.equal(pooled, value)
    (gradient,) = torch.autograd.grad(pooled.sum(), z)
    assert gradient.tolist() == [[[0.75, 0.25]]]
    change = (gradient * (end - start)).sum()
    torch.testing.assert_close(change, end.max() - start.max())  # exact over the step
