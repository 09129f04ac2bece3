"""What is hidden, and how far representations move."""

import pytest
import torch

from explaind.labelfree.feature_importance import feature_importance, integrated_gradients
from explaind.labelfree.masking import (
    hidden_count,
    importance_of_positions,
    most_important,
    representation_shift,
)
from explaind.labelfree.random_importance import Brightest, Random, RandomLit
from tests.labelfree.encoders import ENCODERS, make


def test_channels_share_a_mask():
    """D31, D37: of absolute values, so that channels do not cancel; any number of channels."""
    importance = torch.zeros(1, 3, 2, 2)
    importance[0, :, 0, 1] = torch.tensor([2.0, -2.0, 0.0])
    importance[0, 0, 1, 1] = 3
    assert importance_of_positions(importance).tolist() == [[0, 4, 0, 3]]
    mask = most_important(importance, 0.25)
    assert mask.shape == (1, 1, 2, 2)
    assert mask.flatten().tolist() == [False, True, False, False]
    series = importance.reshape(1, 3, 4).transpose(1, 2)
    assert most_important(series, 0.5)[0, :, 0].tolist() == [False, True, False, True]
    assert most_important(torch.tensor([[1.0, -5, 2]]), 1 / 3).tolist() == [[False, True, False]]


def test_other_shapes_are_refused():
    with pytest.raises(ValueError, match=r"got shape \(2, 3, 4, 5, 6\)"):
        most_important(torch.zeros(2, 3, 4, 5, 6), 0.5)


def test_fractions_are_rounded_down_but_for_rounding():
    assert [hidden_count(p, 100) for p in (0.29, 0.57, 1.0)] == [29, 57, 100]
    assert [hidden_count(p, 64) for p in (0.05, 0.1)] == [3, 6]


@pytest.mark.parametrize("kind", ENCODERS)
def test_shifts_are_those_of_a_loop(kind):
    encoder, x = make(kind)
    baseline = torch.full_like(x[:1], 0.1)
    importance = feature_importance(Random(), encoder, x, baseline)
    shifts = representation_shift(encoder, x, importance, baseline, (0.2, 1.0))
    assert shifts.shape == (2, 7)
    encoder.eval()
    for row in range(7):
        order = importance[row].abs().flatten().argsort(descending=True)
        masked = x[row].clone().flatten()
        masked[order[: int(0.2 * x[row].numel())]] = 0.1
        both = torch.stack([x[row], masked.reshape(x[row].shape)])
        first, second = encoder(both).detach()
        torch.testing.assert_close(shifts[0, row], (first - second).square().sum())


def test_all_methods_end_where_everything_is_hidden():
    encoder, x = make("images")
    black = torch.zeros_like(x[:1])
    ends = [
        representation_shift(encoder, x, feature_importance(m, encoder, x, black), black, (1.0,))
        for m in (Random(), RandomLit(), Brightest(), integrated_gradients(5))
    ]
    for end in ends[1:]:
        torch.testing.assert_close(end, ends[0])
