"""Rows that a model chooses by value are never taken for samples."""

import pytest
import torch
from torch import nn

from explaind.kernel.checks import check_capture
from explaind.kernel.functionals import all_outputs
from tests.kernel.layers import gradients_of, layout_of, one_by_one

PLACES, WIDTH = 2, 3


class Routed(nn.Module):
    """Two experts of two layers, each called on the places that a number sends to it."""

    def __init__(self, choose):
        super().__init__()
        self.choose = choose
        self.first = nn.Linear(WIDTH, WIDTH)
        self.experts = nn.ModuleList(
            nn.Sequential(nn.Linear(WIDTH, 4), nn.Tanh(), nn.Linear(4, WIDTH)) for _ in range(2)
        )

    def forward(self, x):
        rows, sent = self.first(x).flatten(0, 1), x.flatten(0, 1)[:, 0] > 0
        found = torch.zeros_like(rows)
        for expert, mask in zip(self.experts, (sent, ~sent), strict=True):
            if mask.any():
                found = self.choose(found, rows, mask, expert)
        return found.view(x.shape).sum(1)


def by_mask(found, rows, mask, expert):
    return found.masked_scatter(mask[:, None].expand_as(rows), expert(rows[mask]))


def by_number(found, rows, mask, expert):
    numbers = mask.nonzero()[:, 0]
    return found.index_add(0, numbers, expert(rows.index_select(0, numbers)))


def into_a_tensor(found, rows, mask, expert):
    found = found.clone()
    found[mask] = expert(rows[mask])
    return found


def inputs(*signs):
    """The first number of each place has this sign."""
    x = torch.randn(len(signs), PLACES, WIDTH, dtype=torch.float64)
    x[..., 0] = x[..., 0].abs() * torch.tensor(signs)
    return x, torch.zeros(len(signs), dtype=torch.int64)


def gradients_from(gradients, layout, theta, x, y):
    found = theta.new_full((len(x), WIDTH, layout.size), torch.nan)
    for columns, rows, gradient in gradients(theta, x, y):
        found[rows, :, columns] = gradient
    return found


@pytest.mark.parametrize("choose", [by_mask, by_number, into_a_tensor])
def test_experts_with_as_many_rows_as_samples(choose):
    """The check sees one expert only; then each has two rows of two samples, not in order."""
    model = Routed(choose).double()
    layout, theta = layout_of(model)
    gradients = gradients_of(model, layout, all_outputs)
    checked = gradients.with_fallback(check_capture(gradients, theta, *inputs((1, 1), (1, 1))))
    assert not checked.fallback.names
    x, y = inputs((-1, -1), (1, 1))
    captured = checked.capture(theta, x, y)
    assert {name.split(".")[0] for name in captured.fallback} == {"experts"}
    found = gradients_from(checked, layout, theta, x, y)
    torch.testing.assert_close(found, one_by_one(gradients, theta, x, y))


class Chosen(nn.Module):
    """A layer, rows of what it gives, and another layer."""

    def __init__(self, choose):
        super().__init__()
        self.choose, self.first = choose, nn.Linear(WIDTH, WIDTH)
        self.last = nn.Linear(WIDTH, WIDTH)

    def forward(self, x):
        return self.last(self.choose(torch.tanh(self.first(x))))


def last_place(x):
    return x[torch.arange(len(x)), torch.full((len(x),), PLACES - 1)]


def one_of_each(x):
    mask = torch.zeros(x.shape[:2], dtype=torch.bool)
    mask[:, 1] = True
    return x[mask].view(len(x), WIDTH)


@pytest.mark.parametrize(
    "choose", [last_place, one_of_each, lambda x: x[:, torch.tensor([1])][:, 0]]
)
def test_as_many_places_of_each_sample_in_order_are_left_to_the_rules(choose):
    model = Chosen(choose).double()
    layout, theta = layout_of(model)
    gradients = gradients_of(model, layout, all_outputs)
    x, y = inputs((1, 1), (1, -1), (-1, 1))
    assert gradients.capture(theta, x, y).fallback == frozenset()
    found = gradients_from(gradients, layout, theta, x, y)
    torch.testing.assert_close(found, one_by_one(gradients, theta, x, y))


def test_rows_of_a_table_are_no_rows_of_samples():
    """Angles by position, say; they are not what is trained."""
    table = torch.randn(6, WIDTH, dtype=torch.float64)
    model = Chosen(lambda x: (x * table[torch.arange(PLACES).expand(len(x), -1)]).sum(1)).double()
    layout, theta = layout_of(model)
    captured = gradients_of(model, layout, all_outputs).capture(theta, *inputs((1, 1), (1, 1)))
    assert captured.fallback == frozenset()
