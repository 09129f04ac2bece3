"""Convolutions and transposed ones, in groups, strided, dilated, of lines and of images."""

import pytest
import torch
from torch.nn import functional

from explaind.kernel.gradients.convolution import ConvolutionRule, TransposedConvolutionRule
from tests.kernel.gradients.rules import check, one_by_one

CASES = {
    "image": ((4, 6, 5), (3, 4, 3, 2), {"stride": (2, 1), "padding": (1, 0)}),
    "grouped": ((4, 4, 4), (6, 2, 2, 2), {"groups": 2}),
    "depthwise": ((3, 5, 4), (3, 1, 2, 3), {"groups": 3, "padding": (0, 1)}),
    "dilated": ((2, 6, 6), (3, 2, 2, 3), {"dilation": (2, 1), "stride": (1, 2)}),
    "line": ((3, 7), (4, 3, 2), {"stride": 2, "padding": 1}),
}


def rule_options(weight, options):
    """The options as the rules have them: pairs; those of a line as of an image of height 1."""
    pairs = {"stride": (1, 1), "padding": (0, 0), "dilation": (1, 1)}
    for name, value in options.items():
        if name in pairs:
            pairs[name] = value if isinstance(value, tuple) else (pairs[name][0], value)
    return {**pairs, "kernel": (1, 1, *weight.shape[2:])[-2:]}


@pytest.mark.parametrize("name", CASES)
def test_gradients_of_convolutions_are_those_of_every_sample(name):
    torch.manual_seed(0)
    inputs, shape, options = CASES[name]
    convolve = functional.conv1d if len(shape) == 3 else functional.conv2d
    weight = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    bias = torch.randn(shape[0], dtype=torch.float64, requires_grad=True)
    x = torch.randn(5, *inputs, dtype=torch.float64)
    delta = torch.randn(2, *convolve(x, weight, bias, **options).shape, dtype=torch.float64)
    rule = ConvolutionRule(
        weight="w",
        bias="b",
        x=x,
        groups=options.get("groups", 1),
        **rule_options(weight, options),
    )
    for key, parameter in (("w", weight), ("b", bias)):
        expected = one_by_one(
            lambda row: convolve(row, weight, bias, **options), parameter, x, delta
        )
        check(rule, key, parameter, delta, expected)


@pytest.mark.parametrize(
    ("inputs", "shape", "options"),
    [
        ((3, 4, 3), (3, 2, 3, 2), {"stride": (2, 1), "padding": (1, 0)}),
        ((3, 5), (3, 4, 2), {"stride": 2, "dilation": 2}),
    ],
    ids=["image", "line"],
)
def test_gradients_of_transposed_convolutions_are_those_of_every_sample(inputs, shape, options):
    torch.manual_seed(0)
    convolve = functional.conv_transpose1d if len(shape) == 3 else functional.conv_transpose2d
    weight = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    x = torch.randn(5, *inputs, dtype=torch.float64)
    delta = torch.randn(2, *convolve(x, weight, **options).shape, dtype=torch.float64)
    rule = TransposedConvolutionRule(
        weight="w",
        bias=None,
        x=x,
        transposed=True,
        **rule_options(weight, options),
    )
    expected = one_by_one(lambda row: convolve(row, weight, **options), weight, x, delta)
    check(rule, "w", weight, delta, expected)
