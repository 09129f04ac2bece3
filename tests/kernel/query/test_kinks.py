"""Which functions may hide kinks, as the README lists them, and what the log says of them."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from explaind.errors import UnsupportedError
from explaind.kernel.functionals import ModelFunction, all_outputs
from explaind.kernel.query.kinks import FoundOps, find_ops, quadrature_for
from explaind.kernel.query.quadrature import Quadrature

NAMED = {
    "max": lambda z: torch.max(z, -z),
    "min": lambda z: torch.min(z, -z),
    "sort": lambda z: z.sort(1).values,
    "topk": lambda z: z.topk(2, 1).values,
    "where": lambda z: torch.where(z > 0, z, 2 * z),
    "selu": functional.selu,
    "prelu": nn.PReLU(),
}
UNNOTICED = {"a product with a comparison": lambda z: z * (z > 0), "a smooth function": torch.tanh}
KINKED = FoundOps(piecewise_linear=True, hidden=True, sample_first=True, untreated=[])


class Layer(nn.Module):
    """A linear layer and a function."""

    def __init__(self, called):
        super().__init__()
        self.layer, self.called = nn.Linear(4, 4), called

    def forward(self, x):
        return self.called(self.layer(x))


def found_in(called):
    model = Layer(called)
    function = ModelFunction(model, {}, all_outputs)
    params = {name: tensor.detach() for name, tensor in model.named_parameters()}
    return find_ops(function, params, torch.randn(3, 4), torch.zeros(3))


@pytest.mark.parametrize("name", NAMED)
def test_functions_left_to_the_plain_rule_are_named(name, caplog):
    found = found_in(NAMED[name])
    assert found.untreated == [name]
    assert quadrature_for(found, Quadrature()).rule == "gauss_legendre"
    assert f"left to the plain rule (no secant slopes): ['{name}']" in caplog.text


@pytest.mark.parametrize("name", UNNOTICED)
def test_what_is_not_noticed_is_not_named(name):
    assert found_in(UNNOTICED[name]) == FoundOps(False, False, True, [])


def test_known_ops_ask_for_the_secant_rule():
    found = found_in(torch.relu)
    assert found == FoundOps(piecewise_linear=True, hidden=False, sample_first=True, untreated=[])
    assert quadrature_for(found, Quadrature()).rule == "secant"
    assert not found_in(lambda x: x.T.relu().T).sample_first


def test_kinks_in_activation_checkpoints_are_left_to_a_plain_rule_or_refused(caplog):
    assert quadrature_for(KINKED, Quadrature()).rule == "gauss_legendre"
    assert "kinks in activation checkpoints" in caplog.text
    with pytest.raises(UnsupportedError, match="cannot follow"):
        quadrature_for(KINKED, Quadrature(rule="secant"))
