"""Parameters that are spread over the batch: over places, in all shapes that torch broadcasts."""

import pytest
import torch

from explaind.kernel.gradients.elementwise import ElementwiseRule
from tests.kernel.gradients.rules import check, one_by_one


@pytest.mark.parametrize("shape", [(), (4,), (3, 4), (3, 1), (1, 3, 4), (1, 1, 4)], ids=str)
def test_gradients_are_summed_over_what_a_parameter_is_spread_over(shape):
    torch.manual_seed(0)
    parameter = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    x = torch.randn(5, 3, 4, dtype=torch.float64)
    delta = torch.randn(2, 5, 3, 4, dtype=torch.float64)
    rule = ElementwiseRule(weight="scale", shape=shape)
    assert rule.names == ("scale",)
    expected = one_by_one(lambda row: parameter.expand(row.shape), parameter, x, delta)
    check(rule, "scale", parameter, delta, expected)


def test_there_is_no_contraction_to_be_had():
    delta = torch.randn(1, 5, 4)
    rule = ElementwiseRule(weight="scale", shape=(4,))
    with pytest.raises(NotImplementedError, match="ElementwiseRule has no contraction"):
        rule.contraction("scale", torch.randn(2, 4), delta, slice(0, 5))
