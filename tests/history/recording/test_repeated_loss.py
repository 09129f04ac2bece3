"""Steps of several backward passes, repeated bit for bit from their snapshots."""

import pytest
import torch
from torch import nn

from explaind.errors import RecordingError
from explaind.history.recording.repeated_loss import exact_factor
from tests.history.checkpointed import read
from tests.history.test_accumulation import MOMENTUM, Loop
from tests.oracles.problems import cross_entropy, vectors

WEIGHINGS = {
    "mean of two": lambda losses: losses.mean() / 2,
    "mean times a half": lambda losses: 0.5 * losses.mean(),
    "sum over all": lambda losses: losses.sum() / 5,
    "sum of sums": lambda losses: losses.sum(),
    "third, badly rounded": lambda losses: losses.mean() * 0.1 / 3,
}


def problem_in(dtype):
    def data(count, seed):
        x, y = vectors(count, seed)
        return x.to(dtype), y

    return MOMENTUM.but(make_data=data)


CLIPPING = {
    "by the recorder": lambda loop, norm: loop.recorder.clip_grad_norm_(norm),
    "by torch": lambda loop, norm: nn.utils.clip_grad_norm_(loop.model.parameters(), norm),
}


def accumulated(store, weighing, every, dtype, clipping=None):
    loop = Loop(store, problem_in(dtype), every=every)
    loop.model.to(dtype)

    def body(number, batch):
        weighing(cross_entropy(loop.model(batch.x), batch.y)).backward()
        if number % 2:
            if clipping:
                CLIPPING[clipping](loop, 0.02)
            loop.optimizer.step()
            loop.optimizer.zero_grad()

    return loop.run(body, epochs=2)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    ("weighing", "clipping"),
    [
        *((weighing, None) for weighing in WEIGHINGS),
        *(("mean of two", clipping) for clipping in CLIPPING),
        ("third, badly rounded", "by torch"),
    ],
)
def test_micro_batches_are_replayed_as_they_were(tmp_path, weighing, clipping, dtype):
    found = []
    for every in (1, 4):
        store = tmp_path / f"{every}.zarr"
        loop = accumulated(store, WEIGHINGS[weighing], every, dtype, clipping)
        history = read(loop.problem, store, loop.model)
        found.append((history.read(0, history.steps).params, history))
    (full, history), (replayed, checkpointed) = found
    assert torch.equal(full, replayed)
    assert (checkpointed.clip(0) < 1) == (clipping is not None)
    assert [one.rows for one in history.forward_passes(0)] == [slice(0, 3), slice(3, 5)]


@pytest.mark.parametrize("second", ["by the recorder", "by torch"])
def test_clipping_twice_is_refused(store, second):
    loop = Loop(store, every=2)

    def body(number, batch):
        loop.optimizer.zero_grad()
        loop.loss(batch).backward()
        CLIPPING["by torch"](loop, 0.2)
        CLIPPING[second](loop, 0.123)
        loop.optimizer.step()

    with pytest.raises(RecordingError, match=r"step 0 was multiplied by .*by torch.nn.utils.clip"):
        loop.run(body)


def test_the_number_that_gradients_were_multiplied_by_is_found_exactly():
    generator = torch.Generator().manual_seed(0)
    for dtype in (torch.float32, torch.float64):
        before = torch.randn(100, generator=generator, dtype=dtype)
        for _ in range(20):
            factor = torch.rand((), generator=generator, dtype=dtype)
            read_off = float(factor) * (1 + torch.finfo(dtype).eps)
            pairs = [(before[:60], before[:60] * factor), (before[60:], before[60:] * factor)]
            assert exact_factor(pairs, read_off) == float(factor)
            assert exact_factor([*pairs, (before, before * factor * 1.001)], read_off) is None
    assert exact_factor([], 0.5) is None


def test_one_backward_pass_of_two_batches_is_refused(store):
    """Their gradients add up in another order."""
    loop, losses = Loop(store, every=2), []

    def body(number, batch):
        losses.append(loop.loss(batch))
        if number % 2:
            loop.optimizer.zero_grad()
            sum(losses).backward()
            loop.optimizer.step()
            losses.clear()

    with pytest.raises(RecordingError, match=r"Step 0 is not made of backward passes.*every=1"):
        loop.run(body)


def test_samples_of_different_weights_are_refused(store):
    loop = Loop(store, every=2)

    def body(number, batch):
        loop.optimizer.zero_grad()
        losses = cross_entropy(loop.model(batch.x), batch.y)
        (losses * torch.arange(1, len(losses) + 1)).sum().backward()
        loop.optimizer.step()

    with pytest.raises(RecordingError, match=r"weights from 1 to 3.*every=1"):
        loop.run(body)
