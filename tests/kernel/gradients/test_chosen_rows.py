"""Rows that a model chooses by value are taken for samples only where they are."""

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

from explaind.kernel.checks.gradients import check_capture
from explaind.kernel.functionals import all_outputs
from explaind.kernel.gradients.capture import LayerCapture
from tests.kernel.layers import gradients_of, layout_of, one_by_one

PLACES, WIDTH = 2, 3


class Routed(nn.Module):
    """Two experts of two layers, each called on the places that a number sends to it."""

    def __init__(self, choose, first):
        super().__init__()
        self.choose, self.first = choose, first
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


def by_name(found, rows, mask, expert):
    numbers = mask.nonzero()[:, 0]
    own = torch.index_select(input=rows, dim=0, index=numbers)
    return torch.index_add(found, dim=0, index=numbers, source=expert(own))


def by_list(found, rows, mask, expert):
    numbers = mask.nonzero()[:, 0].tolist()
    found = found.clone()
    found[numbers] = expert(rows[numbers])
    return found


def by_gathering(found, rows, mask, expert):
    numbers = mask.nonzero().expand(-1, WIDTH)
    return found.scatter_add(0, numbers, expert(rows.gather(0, numbers)))


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


def doubled(x):
    """No layer: what is chosen from is known by the inputs alone."""
    return 2 * x


@pytest.mark.parametrize("first", [nn.Linear(WIDTH, WIDTH), nn.Identity(), doubled])
@pytest.mark.parametrize(
    "choose", [by_mask, by_number, by_name, by_list, by_gathering, into_a_tensor]
)
def test_experts_with_as_many_rows_as_samples(choose, first):
    """The check sees one expert only; then each has two rows of two samples, not in order."""
    model = Routed(choose, first).double()
    layout, theta = layout_of(model)
    gradients = gradients_of(model, layout, all_outputs)
    checked = gradients.with_fallback(check_capture(gradients, theta, *inputs((1, 1), (1, 1))))
    assert not checked.fallback.names
    x, y = inputs((-1, -1), (1, 1))
    captured = checked.capture(theta, x, y)
    assert {name.split(".")[0] for name in captured.fallback} == {"experts"}
    found = gradients_from(checked, layout, theta, x, y)
    torch.testing.assert_close(found, one_by_one(gradients, theta, x, y))


def in_order(x):
    """Numbers of the samples by their first number; the check sees them in order already."""
    return x[:, 0].argsort()


def by_row(x):
    order = in_order(x).tolist()
    return torch.stack([x[k] for k in order])


def by_embedding(x):
    return F.embedding(in_order(x), x)


def by_a_product(x):
    return torch.eye(len(x), dtype=x.dtype)[in_order(x)] @ x


def by_place(x):
    return x.take(x.shape[1] * in_order(x)[:, None] + torch.arange(x.shape[1]))


def cut(x):
    first = x[:, 0].argmin()
    return torch.cat([x[first:], x[:first]])


def rolled(x):
    return x.roll(-int(x[:, 0].argmin()), 0)


def turned(x):
    return x.flip(0) if x[0, 0] > x[-1, 0] else x


class Sorted(nn.Module):
    """A layer on samples in another order, which are then put back."""

    def __init__(self, choose):
        super().__init__()
        self.choose = choose
        self.first, self.last = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH)

    def forward(self, x):
        numbers = torch.arange(len(x), dtype=x.dtype)
        ordered = self.choose(torch.cat([torch.tanh(x), numbers[:, None]], 1))
        back = (ordered[:, -1] == numbers[:, None]).to(x)  # chooses nothing that may be seen
        return self.last(back @ torch.tanh(self.first(ordered[:, :-1])))


@pytest.mark.parametrize(
    "choose", [by_row, by_embedding, by_a_product, by_place, cut, rolled, turned]
)
def test_samples_in_another_order(choose):
    model = Sorted(choose).double()
    layout, theta = layout_of(model)
    gradients = gradients_of(model, layout, all_outputs)
    x, y = torch.randn(4, WIDTH, dtype=torch.float64), torch.zeros(4, dtype=torch.int64)
    x[:, 0] = torch.tensor([0.3, 0.4, -0.2, -0.1])
    few = x[x[:, 0].argsort()][:3]
    checked = gradients.with_fallback(check_capture(gradients, theta, few, y[:3]))
    assert not checked.fallback.names
    captured = checked.capture(theta, x, y)
    assert captured.fallback == {"first.weight", "first.bias"}
    found = gradients_from(checked, layout, theta, x, y)
    torch.testing.assert_close(found, one_by_one(gradients, theta, x, y))


LOOKED_AT = {
    "a layer": (torch.relu, False),
    "every second place": (lambda x: x[..., ::2] if x.shape[0] else x, False),
    "places by list": (lambda x: x[:, [1, 0]], True),
    "a branch": (lambda x: x if x.sum() > 0 else -x, True),
    "a number": (lambda x: x * float(x.max()), True),
    "the largest": (lambda x: x.topk(2).values, True),
}


@pytest.mark.parametrize("name", LOOKED_AT)
def test_only_models_that_may_choose_are_looked_at(name):
    called, looked_at = LOOKED_AT[name]
    x = torch.randn(3, 4)
    with LayerCapture({}, x) as capture:
        called(x)
    assert capture.chooses == looked_at


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
