"""Optimizers as linear maps of the gradients."""

import re

import pytest
import torch

from explaind.errors import UnsupportedError
from explaind.history.layout import ParameterLayout
from explaind.history.optimizer_step import (
    divides_gradient,
    earlier_states,
    has_second_moment,
    second_moment,
    tensor_coefficients,
)
from explaind.history.optimizers import COEFFICIENTS
from tests.history.training_loop import SGD
from tests.kernel.engine import explain, record
from tests.oracles.problems import Problem, vectors

REFUSED = {"LBFGS": "function of all gradients", "Rprop": "signs", "Adafactor": "norm"}


@pytest.mark.parametrize("name", REFUSED)
def test_an_optimizer_that_is_not_linear_is_refused_with_the_reason(store, name):
    problem = SGD.but(optimizer=lambda model: getattr(torch.optim, name)(model.parameters()))
    with pytest.raises(UnsupportedError, match=REFUSED[name]) as error:
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
    "sgd": (torch.optim.SGD, {"weight_decay": 0.2}),
    "momentum": (torch.optim.SGD, {"momentum": 0.9, "dampening": 0.3}),
    "nesterov": (torch.optim.SGD, {"momentum": 0.9, "nesterov": True}),
    "adam": (torch.optim.Adam, {"weight_decay": 0.2}),
    "amsgrad": (torch.optim.Adam, {"amsgrad": True}),
    "adamw": (torch.optim.AdamW, {"weight_decay": 0.2}),
    "adamw, foreach": (torch.optim.AdamW, {"weight_decay": 0.2, "foreach": True}),
    "adamw, fused": (torch.optim.AdamW, {"weight_decay": 0.2, "fused": True}),
    "nadam": (torch.optim.NAdam, {"weight_decay": 0.2}),
    "nadam, decoupled": (
        torch.optim.NAdam,
        {"weight_decay": 0.2, "decoupled_weight_decay": True},
    ),
    "radam": (torch.optim.RAdam, {"weight_decay": 0.2, "betas": (0.9, 0.9)}),
    "adamax": (torch.optim.Adamax, {"weight_decay": 0.2}),
    "rmsprop": (torch.optim.RMSprop, {"weight_decay": 0.2}),
    "rmsprop, centered": (torch.optim.RMSprop, {"centered": True}),
    "rmsprop, momentum": (torch.optim.RMSprop, {"momentum": 0.9, "weight_decay": 0.2}),
    "adagrad": (torch.optim.Adagrad, {"lr_decay": 0.1, "initial_accumulator_value": 0.1}),
    "adadelta": (torch.optim.Adadelta, {"weight_decay": 0.2}),
}
SKIPPED = {0: "bias", 4: "weight", 5: "bias"}
CHANGES = {2: {"lr": 0.03, "weight_decay": 0.3}, 6: {"lr": 0.05}}


@pytest.mark.parametrize("tensor_rate", [False, True])
@pytest.mark.parametrize("rule", RULES)
def test_the_coefficients_give_the_steps_of_torch(rule, tensor_rate):
    """The recursion of the docstring, from coefficients and second moment alone.

    Options change on the way, and in some steps a tensor has no gradient.
    """
    kind, options = RULES[rule]
    theta = torch.nn.Linear(3, 2, dtype=torch.float64)
    rate = torch.tensor(0.1, dtype=torch.float64) if tensor_rate else 0.1
    if tensor_rate and options.get("foreach"):
        pytest.skip("torch refuses a tensor as learning rate there")
    optimizer = kind(theta.parameters(), lr=rate, **options)
    layout = ParameterLayout.of(theta, optimizer)
    parameters = dict(theta.named_parameters())
    taken = dict.fromkeys(parameters, 0)
    m = torch.zeros(layout.size, dtype=torch.float64)
    for step in range(8):
        optimizer.param_groups[0].update(CHANGES.get(step, {}))
        before = layout.flatten(parameters)
        gradient = torch.randn_like(before)
        for name, part in layout.unflatten(gradient).items():
            parameters[name].grad = None if SKIPPED.get(step) == name else part.clone()
        table = tensor_coefficients(optimizer, parameters, layout, taken)
        sizes = torch.tensor([slot.stop - slot.start for slot in layout.slots])
        rows = torch.from_numpy(table).repeat_interleave(sizes, 0)
        c = dict(zip(COEFFICIENTS, rows.T, strict=True))
        earlier = earlier_states(optimizer, parameters)
        optimizer.step()
        for name in taken:
            taken[name] += SKIPPED.get(step) != name
        g = gradient + c["l2"] * before
        scale = 1.0
        if has_second_moment(optimizer):
            v = second_moment(optimizer, parameters, layout, earlier)
            scale = 1 / ((v / c["second_bias"]).sqrt() + c["eps"])
        if divides_gradient(optimizer):
            g, scale = scale * g, 1.0
        m = c["mu"] * m + c["nu"] * g
        expected = before - scale * (c["alpha"] * m + c["gamma"] * g) - c["decoupled"] * before
        torch.testing.assert_close(layout.flatten(parameters), expected, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("dampening", [0.0, 0.4])
def test_a_momentum_that_comes_and_goes(dampening):
    """Without momentum torch leaves the buffer as it is; it begins undamped."""
    theta = torch.nn.Linear(3, 2, bias=False, dtype=torch.float64)
    optimizer = torch.optim.SGD(theta.parameters(), lr=0.1, dampening=dampening)
    layout = ParameterLayout.of(theta, optimizer)
    m = torch.zeros(layout.size, dtype=torch.float64)
    for step, momentum in enumerate([0.0, 0.0, 0.9, 0.9, 0.0, 0.0, 0.5]):
        optimizer.param_groups[0]["momentum"] = momentum
        theta.weight.grad = torch.randn_like(theta.weight)
        before, g = theta.weight.detach().clone().flatten(), theta.weight.grad.flatten()
        table = tensor_coefficients(optimizer, {"weight": theta.weight}, layout, {"weight": step})
        c = dict(zip(COEFFICIENTS, table[0], strict=True))
        optimizer.step()
        m = c["mu"] * m + c["nu"] * g
        expected = before - c["alpha"] * m - c["gamma"] * g
        torch.testing.assert_close(theta.weight.detach().flatten(), expected)


class Experts(torch.nn.Module):
    """Two parts, of which a batch uses one; a third that none uses."""

    def __init__(self):
        super().__init__()
        self.parts = torch.nn.ModuleList(torch.nn.Linear(4, 3) for _ in range(3))

    def forward(self, x):
        return self.parts[int(x[0, 0] > 0)](x)


def sorted_vectors(count, seed):
    """Samples whose first feature is negative come first: batches use one expert each."""
    x, y = vectors(count, seed)
    x[:, 0] = torch.where(torch.arange(count) < count // 2, -x[:, 0].abs(), x[:, 0].abs())
    return x, y


ENTIRE = {
    "momentum": lambda p: torch.optim.SGD(p, 0.2, momentum=0.8, weight_decay=0.1, dampening=0.2),
    "adamw": lambda p: torch.optim.AdamW(p, 0.05, weight_decay=0.5),
    "nadam": lambda p: torch.optim.NAdam(p, 0.05, weight_decay=0.1),
    "radam": lambda p: torch.optim.RAdam(p, 0.05, betas=(0.9, 0.9)),
    "adamax": lambda p: torch.optim.Adamax(p, 0.05),
    "rmsprop": lambda p: torch.optim.RMSprop(p, 0.01, centered=True),
    "rmsprop, momentum": lambda p: torch.optim.RMSprop(p, 0.01, momentum=0.8, weight_decay=0.1),
    "adagrad": lambda p: torch.optim.Adagrad(p, 0.1, weight_decay=0.1),
    "adadelta": lambda p: torch.optim.Adadelta(p, 0.5),
}


@pytest.mark.parametrize("kind", ENTIRE)
def test_influence_adds_up_though_parts_of_the_model_are_skipped(kind, tmp_path):
    problem = Problem(
        kind,
        lambda model: ENTIRE[kind](model.parameters()),
        make_model=Experts,
        make_data=sorted_vectors,
        drawn=((0, 1), (7, 8, 9), (10, 11), (3, 4), (2, 5), (6, 8)),
    )
    store = tmp_path / "run.zarr"
    model = record(problem, store)
    data = problem.train_data()
    queries = data[0][:3], data[1][:3]
    found = explain(problem, store, model, queries=queries)
    assert found.attrs["completeness_error"] < 1e-12
    assert abs(found.influence).max() > 1e-3
    assert not abs(
        found.influence_by_component.sel(component=["parts.2.weight", "parts.2.bias"])
    ).any()
