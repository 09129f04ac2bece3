"""Steps of several backward passes, repeated bit for bit from their snapshots."""

import pytest
import torch

from explaind.errors import RecordingError
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


def accumulated(store, weighing, every, dtype, max_norm=None):
    loop = Loop(store, problem_in(dtype), every=every)
    loop.model.to(dtype)

    def body(number, batch):
        weighing(cross_entropy(loop.model(batch.x), batch.y)).backward()
        if number % 2:
            if max_norm:
                loop.recorder.clip_grad_norm_(max_norm)
            loop.optimizer.step()
            loop.optimizer.zero_grad()

    return loop.run(body, epochs=2)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    ("weighing", "max_norm"),
    [*((weighing, None) for weighing in WEIGHINGS), ("mean of two", 0.2)],
)
def test_micro_batches_are_replayed_as_they_were(tmp_path, weighing, max_norm, dtype):
    found = []
    for every in (1, 4):
        store = tmp_path / f"{every}.zarr"
        loop = accumulated(store, WEIGHINGS[weighing], every, dtype, max_norm)
        history = read(loop.problem, store, loop.model)
        found.append((history.read(0, history.steps).params, history))
    (full, history), (replayed, _) = found
    assert torch.equal(full, replayed)
    assert [one.rows for one in history.forward_passes(0)] == [slice(0, 3), slice(3, 5)]


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
