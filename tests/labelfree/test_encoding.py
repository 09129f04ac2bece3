"""Batches within the memory."""

import pytest
import torch
from torch import nn

from explaind.errors import PlanError
from explaind.labelfree.encoding import encode, evaluation_mode, rows_within
from tests.labelfree.encoders import ENCODERS, make


@pytest.mark.parametrize("kind", ENCODERS)
def test_representations_do_not_depend_on_the_batch(kind):
    encoder, x = make(kind)
    whole = encode(encoder, x)
    assert whole.shape == (7, 3)
    three = 3 * 10**6 // rows_within(encoder.eval(), x, 10**6)
    assert rows_within(encoder, x, three) == 3
    torch.testing.assert_close(encode(encoder, x, three), whole)


def test_what_a_pass_keeps_is_counted_without_parameters():
    encoder = nn.Sequential(nn.Linear(1000, 10), nn.Tanh())  # keeps its input and its output
    each = 2 * (4000 + 40) + 4000
    x = torch.zeros(3, 1000)
    assert rows_within(encoder, x, 2 * each) == 2
    assert rows_within(encoder, x, 2 * each, passes=2) == 1
    with pytest.raises(PlanError, match=f"{each:,} bytes"):
        rows_within(encoder, x, each - 1)


def test_modes_are_restored_after_an_error():
    encoder, _ = make("images")
    encoder.train()
    with pytest.raises(ZeroDivisionError), evaluation_mode(encoder):
        _ = 1 / encoder.training
    assert encoder.training
