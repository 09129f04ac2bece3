"""Stacked passes: at every point what a plain pass gives, or none where torch cannot stack them."""

import pytest
import torch
from torch import nn

from explaind.errors import UnsupportedError
from explaind.kernel.functionals import ModelFunction, all_outputs
from explaind.kernel.gradients import stacked
from explaind.kernel.gradients.fallback import BY_VMAP, Fallback
from explaind.kernel.gradients.per_sample import PerSampleGradients
from explaind.kernel.gradients.stacked import LEAST_POINTS, StackedSamples, stacked_passes
from explaind.kernel.nonsmooth.secant import SecantEnds, recorded
from tests.kernel.layers import (
    BATCH,
    CLASSES,
    NOT_BATCHED,
    gradients_of,
    layer_models,
    layer_problem,
    layout_of,
    one_by_one,
)

POINTS = 3
STACKED = [name for name in layer_models() if name not in NOT_BATCHED]


def points_near(theta):
    """Some points, far enough from each other to be told apart."""
    moves = torch.randn(POINTS, len(theta), generator=torch.Generator().manual_seed(2))
    return theta + 0.3 * moves.to(theta.dtype)


def of_every_slot(captured, layout):
    """All gradients `[sample, output, param]`."""
    everything = slice(0, captured.samples)
    return torch.cat(
        [
            gradients
            for slot in layout.slots
            for gradients in captured.gradients(slot, everything, [slice(0, slot.entries)])
        ],
        2,
    )


@pytest.mark.parametrize("apart", [False, True], ids=["same samples", "samples of their own"])
@pytest.mark.parametrize("name", STACKED)
def test_values_and_gradients_are_those_of_every_point(name, apart):
    model, layout, theta, x, y = layer_problem(name)
    gradients = gradients_of(model, layout, all_outputs)
    passes = stacked_passes(gradients, theta, x, y, recording=False)
    theta = points_near(theta)
    samples = [(x.roll(point, 0) if apart else x, y) for point in range(POINTS)]
    given = StackedSamples(x, y, apart=False)
    if apart:
        xs, ys = zip(*samples, strict=True)
        given = StackedSamples(torch.stack(xs), torch.stack(ys), apart=True)
    assert given.size == BATCH
    values, ops = passes.values(theta, given, recording=False)
    captured = passes.capture(theta, given)
    plain = [
        gradients.function(layout.unflatten(point), *own)
        for point, own in zip(theta, samples, strict=True)
    ]
    expected = [
        one_by_one(gradients, point, *own) for point, own in zip(theta, samples, strict=True)
    ]
    torch.testing.assert_close(values, torch.cat(plain))
    assert ops == []
    found = of_every_slot(captured, layout)
    torch.testing.assert_close(found, torch.cat(expected), rtol=1e-11, atol=1e-12)
    chosen = torch.tensor([1, BATCH + 2, 2 * BATCH])
    of_some = of_every_slot(captured.of_samples(chosen), layout)
    torch.testing.assert_close(of_some, found[chosen], rtol=1e-12, atol=1e-13)


KINKED = {
    "relu": nn.Sequential(nn.Linear(20, 9), nn.ReLU(), nn.Linear(9, CLASSES), nn.LeakyReLU()),
    "pooled": nn.Sequential(
        nn.Unflatten(1, (1, 4, 5)), nn.Conv2d(1, 4, 2), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()
    ),
}


@pytest.mark.parametrize("name", KINKED)
def test_secant_slopes_are_those_of_every_point(name):
    torch.manual_seed(0)
    model = KINKED[name].double()
    layout, theta = layout_of(model)
    x, y = torch.randn(BATCH, 20, dtype=torch.float64), torch.zeros(BATCH)
    gradients = gradients_of(model, layout, all_outputs)
    passes = stacked_passes(gradients, theta, x, y, recording=True)
    starts, stops = points_near(theta), points_near(theta.flip(0))
    samples = StackedSamples(x, y, apart=False)
    stacked_ops = []
    for at in (starts, stops):
        ops = passes.values(at, samples, recording=True)[1]
        assert ops
        shape = POINTS, BATCH
        of_points = [op.of([t.view(*shape, *t.shape[1:]) for t in op.tensors]) for op in ops]
        stacked_ops.append(of_points)
    captured = passes.capture((starts + stops) / 2, samples, tuple(stacked_ops))
    found = of_every_slot(captured, layout)
    for number, (start, stop) in enumerate(zip(starts, stops, strict=True)):
        with torch.no_grad():
            own = [
                recorded(gradients.function, layout.unflatten(at), x, y)[1] for at in (start, stop)
            ]
        middle = gradients.capture((start + stop) / 2, x, y, SecantEnds(start, stop, *own))
        of_point = found[number * BATCH : (number + 1) * BATCH]
        torch.testing.assert_close(of_point, of_every_slot(middle, layout), rtol=1e-11, atol=1e-12)
    plain = of_every_slot(passes.capture((starts + stops) / 2, samples), layout)
    assert (found - plain).abs().max() > 0.01 * plain.abs().max()


class Changed(nn.Module):
    """A linear layer and what is made of its outputs."""

    def __init__(self, change):
        super().__init__()
        self.linear, self.change = nn.Linear(20, CLASSES), change

    def forward(self, x):
        return self.change(self.linear(x))


NOT_STACKED = {
    "a branch by the values": lambda y: y if y.sum() > 0 else 2 * y,
    "a number of the values": lambda y: y * float(y.detach().max()),
    "numpy": lambda y: y * y.detach().numpy().max(),
}


@pytest.mark.parametrize("name", NOT_STACKED)
def test_what_torch_cannot_stack_is_left_to_plain_passes(name, caplog):
    torch.manual_seed(0)
    model = Changed(NOT_STACKED[name]).double()
    layout, theta = layout_of(model)
    x = torch.randn(3, 20, dtype=torch.float64)
    gradients = gradients_of(model, layout, all_outputs)
    with caplog.at_level("DEBUG", "explaind"):
        assert stacked_passes(gradients, theta, x, torch.zeros(3), recording=False) is None
    assert "no stacked passes" in caplog.text


@pytest.mark.parametrize("name", sorted(NOT_BATCHED))
def test_models_without_batching_rules_are_left_to_plain_passes(name):
    model, layout, theta, x, y = layer_problem(name)
    gradients = gradients_of(model, layout, all_outputs)
    assert stacked_passes(gradients, theta, x, y, recording=False) is None


def test_passes_that_give_other_values_are_not_taken(monkeypatch):
    """A function that torch would batch wrongly."""
    model, layout, theta, x, y = layer_problem("linear")
    gradients = gradients_of(model, layout, all_outputs)
    arguments = gradients, theta, x, y
    real = stacked.vmap
    assert stacked_passes(*arguments, recording=False) is not None

    def wrong(function, dims):
        return lambda points, *rest: real(function, dims)(points.flip(0), *rest)

    monkeypatch.setattr(stacked, "vmap", wrong)
    assert stacked_passes(*arguments, recording=False) is None


def test_only_small_passes_by_layer_rules_are_stacked(monkeypatch):
    model, layout, theta, x, y = layer_problem("linear")

    def made(fallback=BY_VMAP, samples=BATCH):
        gradients = gradients_of(model, layout, all_outputs, fallback)
        return stacked_passes(gradients, theta, x[:1].expand(samples, -1), y, recording=False)

    assert made().points(BATCH) == stacked.MOST_POINTS
    assert made(Fallback(frozenset({"0.weight"}))) is None
    assert made(Fallback(frozenset(), batched=False)) is None
    assert made(samples=stacked.MOST_NUMBERS // len(theta) + 1) is None
    drawing = gradients_of(model, layout, all_outputs).function.drawing(torch.get_rng_state())
    at_random = PerSampleGradients(drawing, layout)
    assert stacked_passes(at_random, theta, x, y, recording=False) is None
    monkeypatch.setattr(stacked, "MOST_BYTES", 0)
    assert made() is None


def test_points_are_as_many_as_there_is_memory_for(monkeypatch):
    model, layout, theta, x, y = layer_problem("linear")
    gradients = gradients_of(model, layout, all_outputs)
    passes = stacked_passes(gradients, theta, x, y, recording=False)
    most = LEAST_POINTS * passes.bytes_of_point(BATCH)
    monkeypatch.setattr(stacked, "MOST_BYTES", most)
    assert passes.points(BATCH) == LEAST_POINTS
    monkeypatch.setattr(stacked, "MOST_BYTES", most - 1)
    assert stacked_passes(gradients, theta, x, y, recording=False) is None


class ByBatch(nn.Module):
    """Calls another layer in a larger batch."""

    def __init__(self):
        super().__init__()
        self.few, self.many = nn.Linear(20, CLASSES), nn.Linear(20, CLASSES)

    def forward(self, x):
        return self.few(x) if len(x) <= 3 else self.many(torch.tanh(self.few(x)) @ self.few.weight)


def test_other_calls_than_those_tried_are_refused():
    torch.manual_seed(0)
    model = ByBatch().double()
    layout, theta = layout_of(model)
    x, y = torch.randn(BATCH, 20, dtype=torch.float64), torch.zeros(BATCH)
    gradients = PerSampleGradients(ModelFunction(model, {}, all_outputs), layout)
    passes = stacked_passes(gradients, theta, x, y, recording=False)
    points = points_near(theta)
    passes.capture(points, StackedSamples(x[:3], y[:3], apart=False))
    with pytest.raises(UnsupportedError, match="other"):
        passes.capture(points, StackedSamples(x, y, apart=False))
