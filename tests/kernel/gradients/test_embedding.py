"""Look-up tables: rows looked up twice, once, or never."""

import pytest
import torch
from torch.nn.functional import embedding

from explaind.kernel.gradients.embedding import EmbeddingRule
from tests.kernel.gradients.rules import check, one_by_one


@pytest.mark.parametrize("places", [(), (6,), (2, 3)], ids=str)
def test_gradients_are_added_up_at_the_rows_looked_up(places):
    torch.manual_seed(0)
    table = torch.randn(7, 3, dtype=torch.float64, requires_grad=True)
    index = torch.randint(0, 5, (5, *places))  # the last rows never
    delta = torch.randn(2, 5, *places, 3, dtype=torch.float64)
    rule = EmbeddingRule(weight="table", index=index, rows=7)
    expected = one_by_one(lambda rows: embedding(rows, table), table, index, delta)
    assert expected.view(5, 2, 7, 3)[:, :, 5:].abs().sum() == 0
    check(rule, "table", table, delta, expected)
