"""Gradients that are added at a node equal those of the samples one by one."""

import pytest
import torch

from explaind.kernel.functionals import all_outputs
from explaind.kernel.gradients.fallback import BY_VMAP
from explaind.kernel.query.applicable import along_parts
from explaind.kernel.query.derivative import AlongParts, FullGradient, GradientAlongParts
from tests.kernel.layers import (
    everything_by_fallback,
    gradients_of,
    layer_models,
    layer_problem,
    one_by_one,
)


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("by_rules", [True, False])
@pytest.mark.parametrize("name", layer_models())
def test_gradients_are_added_with_a_factor(name, by_rules, first):
    model, layout, theta, x, y = layer_problem(name)
    fallback = BY_VMAP if by_rules else everything_by_fallback(name, layout)
    gradients = gradients_of(model, layout, all_outputs, fallback)
    outputs = one_by_one(gradients, theta, x, y)
    before = torch.randn(*outputs.shape, dtype=torch.float64)
    total = torch.full_like(before, torch.nan) if first else before.clone()
    FullGradient(gradients).add_to(total, 0.25, theta, (x, y), None, theta[None], first)
    expected = 0.25 * outputs + (0.0 if first else before)
    torch.testing.assert_close(total, expected, rtol=1e-11, atol=1e-12)


# forward-mode derivatives load torch's own scripted functions
@pytest.mark.filterwarnings("ignore:.torch.jit.script:DeprecationWarning")
def test_a_single_output_is_differentiated_backward_and_several_forward():
    model, layout, theta, x, y = layer_problem("linear")
    theta = theta.detach()
    parts = torch.randn(2, len(theta), dtype=theta.dtype)
    for function, kind in ((first_output, GradientAlongParts), (all_outputs, AlongParts)):
        gradients = gradients_of(model, layout, function, BY_VMAP)
        derivative = along_parts(gradients.function, layout, theta, x, y)
        assert type(derivative) is kind
        outputs = one_by_one(gradients, theta, x, y)
        total = torch.empty(*outputs.shape[:2], 2, dtype=theta.dtype)
        derivative.add_to(total, 0.5, theta, (x, y), None, parts, first=True)
        torch.testing.assert_close(total, 0.5 * outputs @ parts.T, rtol=1e-11, atol=1e-12)


def first_output(output, _):
    return output[:, 0]
