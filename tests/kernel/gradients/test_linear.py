"""Linear layers with one place and with several, and plain products with a parameter."""

import pytest
import torch
from torch.nn.functional import linear

from explaind.kernel.gradients.linear import LinearRule
from tests.kernel.gradients.rules import check, one_by_one


@pytest.mark.parametrize("places", [(), (3,), (2, 3)], ids=str)
@pytest.mark.parametrize(("inputs", "out"), [(4, 7), (7, 4)])
@pytest.mark.parametrize("transposed", [False, True])
def test_gradients_are_those_of_every_sample(places, inputs, out, transposed):
    torch.manual_seed(0)
    shape = (inputs, out) if transposed else (out, inputs)
    weight = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    bias = torch.randn(out, dtype=torch.float64, requires_grad=True)
    x = torch.randn(5, *places, inputs, dtype=torch.float64)
    delta = torch.randn(2, 5, *places, out, dtype=torch.float64)
    rule = LinearRule(weight="w", bias="b", x=x, transposed=transposed)
    assert rule.names == ("w", "b")
    for name, parameter in (("w", weight), ("b", bias)):
        expected = one_by_one(
            lambda row: linear(row, weight.T if transposed else weight, bias), parameter, x, delta
        )
        check(rule, name, parameter, delta, expected)


def test_what_is_no_parameter_has_no_name():
    x = torch.randn(2, 3)
    assert LinearRule(weight=None, bias="b", x=x).names == ("b",)
