"""Optimizers as linear maps of the gradients."""

import re

import pytest
import torch

from explaind.errors import UnsupportedError
from explaind.history.layout import ParameterLayout
from explaind.history.optimizers import (
    COEFFICIENTS,
    group_coefficients,
    has_second_moment,
    second_moment,
)
from tests.history.training_loop import SGD
from tests.kernel.engine import record


@pytest.mark.parametrize("name", ["Adagrad", "RMSprop", "LBFGS", "NAdam"])
def test_an_unknown_optimizer_is_refused_with_the_supported_table(store, name):
    problem = SGD.but(optimizer=lambda model: getattr(torch.optim, name)(model.parameters()))
    with pytest.raises(UnsupportedError) as error:
        record(problem, store)
    for expected in (name, "SGD", "momentum", "dampening", "Nesterov", "Adam", "AdamW", "AMSGrad"):
        assert re.search(rf"\b{expected}\b", str(error.value), re.IGNORECASE), expected
    assert not store.exists()


class SignDescent(torch.optim.SGD):
    """An optimizer of one's own, derived from a supported one."""

    @torch.no_grad()
    def step(self):
        for parameter in self.param_groups[0]["params"]:
            parameter.sub_(0.1 * parameter.grad.sign())


def test_a_subclass_with_another_step_is_not_taken_for_its_parent(store):
    problem = SGD.but(optimizer=lambda model: SignDescent(model.parameters(), lr=0.1))
    with pytest.raises(UnsupportedError, match="SignDescent"):
        record(problem, store)


def test_gradient_ascent_is_refused(store):
    ascent = SGD.but(optimizer=lambda m: torch.optim.SGD(m.parameters(), lr=0.1, maximize=True))
    with pytest.raises(UnsupportedError, match="maximize"):
        record(ascent, store)


RULES = {
    "sgd": (torch.optim.SGD, {"lr": 0.1, "weight_decay": 0.2}),
    "momentum": (torch.optim.SGD, {"lr": 0.1, "momentum": 0.9, "dampening": 0.3}),
    "nesterov": (torch.optim.SGD, {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
    "adam": (torch.optim.Adam, {"lr": 0.1, "weight_decay": 0.2}),
    "amsgrad": (torch.optim.Adam, {"lr": 0.1, "amsgrad": True}),
    "adamw": (torch.optim.AdamW, {"lr": 0.1, "weight_decay": 0.2}),
}


@pytest.mark.parametrize("rule", RULES)
def test_the_coefficients_give_the_steps_of_torch(rule):
    """The recursion of the docstring, from coefficients and second moment alone."""
    kind, options = RULES[rule]
    theta = torch.nn.Linear(3, 2, dtype=torch.float64)
    optimizer = kind(theta.parameters(), **options)
    layout = ParameterLayout.of(theta, optimizer)
    parameters = dict(theta.named_parameters())
    m = torch.zeros(layout.size, dtype=torch.float64)
    for step in range(4):
        before = layout.flatten(parameters)
        gradient = torch.randn_like(before)
        for name, part in layout.unflatten(gradient).items():
            parameters[name].grad = part.clone()
        c = dict(zip(COEFFICIENTS, group_coefficients(optimizer, step)[0], strict=True))
        optimizer.step()
        g = gradient + c["l2"] * before
        m = c["mu"] * m + c["nu"] * g
        scale = 1.0
        if has_second_moment(optimizer):
            v = second_moment(optimizer, parameters, layout)
            scale = 1 / ((v / c["second_bias"]).sqrt() + c["eps"])
        expected = before - scale * (c["alpha"] * m + c["gamma"] * g) - c["decoupled"] * before
        torch.testing.assert_close(layout.flatten(parameters), expected, rtol=1e-12, atol=1e-14)
