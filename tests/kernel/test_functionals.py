"""Explaining other outputs than the default, against the oracle."""

import inspect

import pytest
import torch
from torch.optim import SGD

from explaind.errors import ConfigError, ExplaindError
from explaind.kernel.functionals import find_functional
from explaind.kernel.functionals import margin as named_margin
from tests.kernel.engine import record_and_explain
from tests.oracles.dense_midpoint import gauss_legendre_nodes
from tests.oracles.forward_path_kernel import explain
from tests.oracles.problems import Problem, all_outputs, cross_entropy, tokens
from tests.oracles.smooth_models import VOCABULARY, TiedWeights

PROBLEM = Problem("outputs", lambda model: SGD(model.parameters(), lr=0.2, momentum=0.8), steps=4)


def assert_explained(problem, influence, functional):
    oracle = explain(problem.path(), functional, *problem.test_data(), gauss_legendre_nodes(3))
    expected = oracle.influence.sum(-1)
    torch.testing.assert_close(
        torch.from_numpy(influence.influence.values), expected, rtol=1e-10, atol=1e-12
    )


def margin(output, target):
    """Output of the target class minus the log-sum-exp of the others."""
    others = output.scatter(1, target[:, None], float("-inf")).logsumexp(1)
    return output.gather(1, target[:, None])[:, 0] - others


NAMED = {"loss": cross_entropy, "margin": margin, "logit[2]": lambda output, _: output[:, 2]}


@pytest.mark.parametrize("name", NAMED)
def test_one_number_for_each_sample(name, tmp_path):
    influence = record_and_explain(PROBLEM, tmp_path, outputs=name)
    assert influence.sizes["output"] == 1
    assert_explained(PROBLEM, influence, NAMED[name])


def test_all_outputs(tmp_path):
    problem = PROBLEM.but(make_model=TiedWeights, make_data=tokens)
    influence = record_and_explain(problem, tmp_path, outputs="all")
    assert influence.sizes["output"] == VOCABULARY
    assert_explained(problem, influence, all_outputs)


@pytest.mark.parametrize("width", [0, 2])
def test_a_functional_of_ones_own(width, tmp_path):
    """Any function of (output, target), with one value per sample or several."""

    def functional(output, target):
        squares = output.square().sum(-1)
        return torch.stack([squares, output[:, 0]], dim=-1) if width else squares

    assert_explained(PROBLEM, record_and_explain(PROBLEM, tmp_path, outputs=functional), functional)


WRONG_FUNCTIONALS = {
    "one number for all samples": lambda output, _: output.mean(),
    "one sample": lambda output, _: output[0],
    "three dimensions": lambda output, _: output[:, None, :],
    "samples coupled": lambda output, _: output - output.mean(0),
}


@pytest.mark.parametrize("name", WRONG_FUNCTIONALS)
def test_a_functional_that_is_not_one_of_each_sample_is_refused(name, tmp_path):
    with pytest.raises(ExplaindError, match=r"(?i)sample"):
        record_and_explain(PROBLEM, tmp_path, outputs=WRONG_FUNCTIONALS[name])


NOT_EXPLAINED = {
    "detached": (lambda output, _: output.detach()[:, 0], "no gradient"),
    "whole numbers": (
        lambda output, _: output.argmax(1),
        r"real floating numbers, got torch\.int64",
    ),
    "the largest class": (lambda output, _: output.argmax(1).to(output), "no gradient"),
    "complex": (lambda output, _: output[:, 0] + 1j, r"got torch\.complex"),
    "an array": (lambda output, _: output.detach().numpy()[:, 0], "floating numbers, got ndarray"),
    "raises": (lambda output, _: output[:, 99], "samples of torch.float64 .*out of bounds"),
    "one argument": (lambda output: output, "takes 1 positional argument"),
}


@pytest.mark.parametrize("name", NOT_EXPLAINED)
def test_what_has_no_gradient_or_fails_is_refused_by_name(name, tmp_path):
    outputs, message = NOT_EXPLAINED[name]
    with pytest.raises(ExplaindError, match=message):
        record_and_explain(PROBLEM, tmp_path, outputs=outputs)


def test_a_number_is_no_functional():
    unchecked = inspect.unwrap(find_functional)  # a user's call is not checked for types
    with pytest.raises(ConfigError, match=r"outputs: expected a function or one of .* got int"):
        unchecked(3, PROBLEM.loss_fn)


def test_functionals_carry_name_and_unit():
    def squared(output, target):
        return (output[:, 0] - target) ** 2

    squared.unit = "m2"
    of_logits = {"target_logprob": "nat", "margin": "nat", "all": "1", "logit[3]": "1"}
    for name, unit in {**of_logits, "loss": "m2"}.items():
        functional = find_functional(name, squared)
        assert (functional.name, functional.unit) == (name, unit)
    for name in of_logits:
        assert find_functional(name, squared, output_unit="nat").unit == "nat"
    assert find_functional("loss", cross_entropy).unit == "1"  # it carries none
    custom = find_functional(cross_entropy, squared)
    assert (custom.name, custom.unit, custom.function) == ("cross_entropy", "1", cross_entropy)
    with pytest.raises(ConfigError, match="Unknown output functional 'logits'"):
        find_functional("logits", squared)


def test_a_margin_can_be_batched_by_the_fallback():
    output, target = torch.randn(4, 3), torch.tensor([0, 2, 1, 1])
    each = torch.func.vmap(lambda o, t: named_margin(o[None], t[None])[0])(output, target)
    torch.testing.assert_close(each, margin(output, target))
