"""Named functionals on every shape of outputs and targets, against formulas written out."""

import pytest
import torch
from torch.nn import functional

from explaind.errors import ConfigError
from explaind.kernel.class_scores import check_classes
from explaind.kernel.functionals import all_outputs, find_functional, margin, target_logprob

SAMPLES, POSITIONS, CLASSES = 4, 5, 3


def numbers(*shape):
    return torch.randn(*shape, dtype=torch.float64)


def classes(*shape):
    return torch.randint(CLASSES, shape)


def expected_logprobs(scores, target):
    """Of scores `[sample, position, class]`, one by one."""
    return torch.stack(
        [
            torch.stack([row[k] - row.logsumexp(0) for row, k in zip(rows, ks, strict=True)])
            for rows, ks in zip(scores, target, strict=True)
        ]
    )


@pytest.mark.parametrize("kind", ["tensor", "mapping", "object"])
def test_the_class_axis_is_the_one_that_targets_do_not_have(kind):
    scores, target = numbers(SAMPLES, POSITIONS, CLASSES), classes(SAMPLES, POSITIONS)
    expected = expected_logprobs(scores, target)
    for output in (scores, scores.movedim(-1, 1)):
        given = {
            "tensor": output,
            "mapping": {"logits": output, "loss": output.mean()},
            "object": type("Output", (), {"logits": output}),
        }[kind]
        torch.testing.assert_close(target_logprob(given, target), expected)
        torch.testing.assert_close(margin(given, target), expected - torch.log1p(-expected.exp()))
        logit = find_functional("logit[1]", functional.mse_loss).function
        torch.testing.assert_close(logit(given, target), scores[..., 1])
    torch.testing.assert_close(all_outputs(scores, ()), scores.flatten(1))


def test_several_axes_of_positions_become_one():
    scores, target = numbers(SAMPLES, CLASSES, 2, 5), classes(SAMPLES, 2, 5)
    each = expected_logprobs(scores.movedim(1, -1).flatten(1, 2), target.flatten(1))
    torch.testing.assert_close(target_logprob(scores, target), each)


def test_nothing_is_explained_where_the_target_is_to_be_ignored():
    scores, target = numbers(SAMPLES, POSITIONS, CLASSES), classes(SAMPLES, POSITIONS)
    target[1, 2] = -100
    for explained in (target_logprob, margin):
        assert explained(scores, target)[1, 2] == 0
        assert (explained(scores, target) != 0).sum() == target.numel() - 1
    check_classes(scores, target, 0)


@pytest.mark.parametrize("shape", [(SAMPLES,), (SAMPLES, 1)])
@pytest.mark.parametrize("kind", [torch.int64, torch.float32, torch.bool])
def test_one_score_is_the_logit_of_class_one(shape, kind):
    logit, target = numbers(SAMPLES), torch.tensor([0, 1, 1, 0])
    signed = torch.where(target == 1, logit, -logit)
    for given in (target.to(kind), target.to(kind)[:, None]):
        output = logit.reshape(shape)
        torch.testing.assert_close(target_logprob(output, given), functional.logsigmoid(signed))
        torch.testing.assert_close(margin(output, given), signed)
        check_classes(output, given, 0)


REFUSED = {
    "no targets": (numbers(4, 3), (), "got none"),
    "soft labels": (numbers(4, 3), numbers(4, 3), r"got torch.float64 of shape \(4, 3\)"),
    "a regression": (numbers(4, 1), numbers(4), "Expected targets from 0 to 1"),
    "no class": (numbers(4, 3), torch.tensor([0, 1, 3, 0]), "0 to 2, got 3 for sample 12"),
    "negative": (numbers(4, 3), torch.tensor([0, -1, 2, 0]), "got -1 for sample 11"),
    "two axes": (numbers(4, 3, 3), classes(4, 3), "two axes can be that of the classes"),
    "another length": (numbers(4, 5, 3), classes(4, 6), r"shape \(4, 6\) with an output of shape"),
    "several heads": ({"a": numbers(4, 3)}, classes(4), r"returns dict with \['a'\]"),
    "a tuple": ((numbers(4, 3),), classes(4), "returns tuple"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_fit_is_refused_with_the_shapes(case):
    output, target, message = REFUSED[case]
    with pytest.raises(ConfigError, match=message):
        check_classes(output, target, 10)


def test_a_logit_that_is_not_there_is_refused():
    logit = find_functional("logit[9]", functional.mse_loss).function
    with pytest.raises(ConfigError, match=r"from 0 to 2, .* shape \(4, 3\)"):
        logit(numbers(4, 3), ())
