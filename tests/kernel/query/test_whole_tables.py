"""The padding row of a table is moved by weight decay, and outputs follow."""

import numpy as np
import pytest
import torch
from torch import nn

from explaind.kernel.query.quadrature import Quadrature
from tests.kernel.engine import record_and_explain
from tests.oracles.problems import Problem, tokens

CONVERGED = Quadrature(rule="gauss_legendre", nodes=5, tolerance=None)


class Padded(nn.Module):
    """Mean of embedded tokens; half of them are padding."""

    def __init__(self, padding_idx):
        super().__init__()
        self.embedding = nn.Embedding(9, 4)
        self.embedding.padding_idx = padding_idx  # the row itself is not zero
        self.last = nn.Linear(4, 3)

    def forward(self, x):
        return self.last(torch.tanh(self.embedding(x).mean(1)))


def padded(count, seed):
    x, y = tokens(count, seed)
    return torch.cat([x % 9, torch.zeros_like(x)], 1), y % 3


@pytest.mark.parametrize("kind", [torch.optim.AdamW, torch.optim.SGD])
@pytest.mark.parametrize("padding_idx", [0, None])
def test_the_decay_of_a_padding_row_is_no_residual(kind, padding_idx, tmp_path):
    problem = Problem(
        "padded",
        lambda model: kind(model.parameters(), lr=0.05, weight_decay=0.5),
        make_model=lambda: Padded(padding_idx),
        make_data=padded,
        steps=4,
    )
    found = record_and_explain(problem, tmp_path, quadrature=CONVERGED)
    motion = np.abs(found.final_output - found.initial_output).max()
    assert np.abs(found.decay).max() > 0.01 * motion
    assert np.abs(found.residual).max() < 1e-9 * motion
    assert found.attrs["completeness_error"] < 1e-12
