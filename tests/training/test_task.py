"""What belongs to a task: loss, metrics, what can be explained, how outputs are compared."""

from typing import Literal, get_args, get_origin

import numpy as np
import pytest
import torch
from torch.nn import functional

from explaind.config.training import CLASSIFICATION, Loss
from explaind.errors import ConfigError
from explaind.kernel.functionals import find_functional
from explaind.training.task import (
    TASKS,
    Metric,
    Task,
    compare_classes,
    task_of,
    token_accuracy,
    token_cross_entropy,
    token_losses,
)
from explaind.trees import measured_in

LOGITS = torch.tensor([[2.0, 0.0, -1.0], [0.0, 3.0, 0.0], [1.0, 0.0, 2.0], [0.0, 0.0, 1.0]])
TARGET = torch.tensor([0, 1, 0, 2])


def test_every_loss_of_the_config_has_a_task():
    literals = [choice for choice in get_args(Loss) if get_origin(choice) is Literal]
    assert set(TASKS) == {name for literal in literals for name in get_args(literal)}
    for loss in CLASSIFICATION:
        assert task_of(loss).measures() == {"loss": "nat", "accuracy": "1"}


def test_a_function_of_ones_own_is_a_loss():
    assert task_of("torch.nn.functional:l1_loss").loss_fn is functional.l1_loss


def test_the_squared_error_does_not_broadcast_targets_without_an_axis():
    output, target = torch.tensor([[1.0], [4.0]]), torch.tensor([0.0, 1.0])
    assert task_of("squared_error").loss_fn(output, target).tolist() == [1.0, 9.0]


def test_losses_are_per_sample_and_agree_on_log_probabilities():
    expected = functional.cross_entropy(LOGITS, TARGET, reduction="none")
    assert torch.equal(task_of("cross_entropy").loss_fn(LOGITS, TARGET), expected)
    found = task_of("nll").loss_fn(LOGITS.log_softmax(-1), TARGET)
    torch.testing.assert_close(found, expected)


def test_a_classification_measures_loss_and_accuracy():
    found = task_of("cross_entropy").measure(LOGITS, TARGET)
    assert found["accuracy"] == 0.75
    assert found["loss"] == float(functional.cross_entropy(LOGITS, TARGET))


def test_what_can_be_explained_exists_in_the_kernel():
    for task in (*TASKS.values(), Task(functional.mse_loss)):
        for name in task.functionals:
            one = name.replace("[c]", "[3]")
            assert find_functional(one, functional.mse_loss).name == one
    with pytest.raises(ConfigError):
        find_functional("accuracy", functional.mse_loss)


def test_classes_are_compared_by_argmax_and_divergence():
    true, other = LOGITS.numpy(), LOGITS.numpy().copy()
    other[2] = [3.0, 0.0, 2.0]  # now the target
    found = compare_classes(true, other, TARGET.numpy())
    assert found["model_accuracy"] == 0.75
    assert found["reformulated_accuracy"] == 1.0
    assert found["argmax_agreement"] == 0.75
    p, q = (np.exp(row) / np.exp(row).sum() for row in (true[2], other[2]))
    assert found["kl_mean_per_sample"] == pytest.approx((p * np.log(p / q)).sum() / 4, rel=1e-5)
    totals = [np.exp(other[k]).sum() / np.exp(true[k]).sum() for k in range(4)]
    assert found["probability_sum_max"] == pytest.approx(max(totals), rel=1e-5)
    same = compare_classes(true, true, TARGET.numpy())
    assert same["kl_mean_per_sample"] == 0
    assert same["probability_sum_min"] == same["probability_sum_max"] == 1


def test_another_task_measures_and_compares_what_it_names():
    far = Metric(lambda output, target: float((output - target).abs().max()), "m")

    @measured_in("m^2")
    def squared(output, target):
        return (output - target).square()

    task = Task(squared, {"farthest": far})
    assert task.measures() == {"loss": "m^2", "farthest": "m"}
    assert task.measure(torch.tensor([1.0, 4.0]), torch.tensor([0.0, 1.0])) == {
        "loss": 5.0,
        "farthest": 3.0,
    }
    found = task.compare(np.array([0.0, 2.0]), np.array([0.0, 1.0]), np.ones(2))
    assert found == {"relative_error": pytest.approx(np.sqrt(0.5))}  # of a deviation of 1
    assert task.compare(np.zeros(2), np.ones(2), np.ones(2)) == {"relative_error": np.inf}


def test_tokens_count_as_much_as_there_are_in_their_sample():
    """Two passages in a sample; -100 is left out of loss, parts and accuracy."""
    output = torch.randn(2, 2, 3, 5, generator=torch.Generator().manual_seed(0))
    target = torch.tensor([[[0, 1, 4], [2, -100, -100]], [[3, 3, 3], [1, 0, 2]]])
    losses = token_cross_entropy(output, target)
    first = [
        -output[0, p, t].log_softmax(-1)[target[0, p, t]]
        for p, t in ((0, 0), (0, 1), (0, 2), (1, 0))
    ]
    torch.testing.assert_close(losses[0], torch.stack(first).mean())
    parts = token_losses(output, target)
    assert parts.shape == (2, 6)
    torch.testing.assert_close(parts.sum(1), losses)
    torch.testing.assert_close(parts[0, 3], first[3] / 4)
    assert (parts[0, 4:] == 0).all()
    best = output.argmax(-1)
    right = [bool(best[i, p, t] == target[i, p, t]) for i, p, t in (target >= 0).nonzero().tolist()]
    assert token_accuracy(output, target) == pytest.approx(sum(right) / 10)
