"""Reading a step of an optimizer; the rules themselves are tried in `test_optimizers`."""

import pytest
import torch

from explaind.history.layout import ParameterLayout
from explaind.history.optimizer_step import divides_gradient, first_moment, tensor_coefficients
from explaind.history.optimizers import COEFFICIENTS, RULES

WITHOUT = (torch.optim.Adagrad, torch.optim.Adadelta)
OPTIONS = {kind: {"momentum": 0.9} for kind in (torch.optim.SGD, torch.optim.RMSprop)}


@pytest.mark.parametrize("kind", RULES, ids=lambda kind: kind.__name__)
def test_first_moment_is_what_all_gradients_before_left(kind):
    """For two steps it is known: `mu (nu g) + nu g` is the buffer of any rule."""
    model = torch.nn.Linear(3, 2, dtype=torch.float64)
    optimizer = kind(model.parameters(), lr=0.1, **OPTIONS.get(kind, {}))
    layout, parameters = ParameterLayout.of(model, optimizer), dict(model.named_parameters())
    assert first_moment(optimizer, parameters, layout) is None
    model(torch.ones(1, 3, dtype=torch.float64)).square().sum().backward()
    model.bias.grad = None
    table = tensor_coefficients(optimizer, parameters, layout, dict.fromkeys(parameters, 0))
    nu = table[0][COEFFICIENTS.index("nu")]
    before = model.weight.detach().clone()
    optimizer.step()
    found = first_moment(optimizer, parameters, layout)
    if kind in WITHOUT:
        assert found is None
        return
    weight, bias = layout.unflatten(found).values()
    assert not bias.any()  # took no step
    expected = nu * model.weight.grad
    if divides_gradient(optimizer):
        expected = (before - model.weight.detach()) / 0.1
    torch.testing.assert_close(weight, expected)
