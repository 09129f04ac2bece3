"""A history is read block by block, in the type asked for."""

import pytest
import torch

from explaind.errors import RecordingError
from explaind.history.replay.history import History
from tests.history.checkpointed import PROBLEMS, read
from tests.kernel.engine import record

PROBLEM = PROBLEMS["adamw"]
GROUPED = PROBLEMS["momentum, schedule, clipping"]


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    """Store and model of a full history in float32, three steps to a chunk."""
    store, (x, y) = tmp_path_factory.mktemp("full") / "run.zarr", GROUPED.train_data()
    model = GROUPED.model().float()
    return store, record(GROUPED, store, model=model, data=(x.float(), y), chunk=3)


def test_parameters_without_replay_are_refused(recorded):
    history = History(recorded[0])
    assert history.batch(0).tolist() == PROBLEM.batches()[0]
    with pytest.raises(RecordingError, match=r"checkpointed history.*PathKernel"):
        history.read(0, 1)


def test_a_replayed_history_is_another_one(recorded):
    """What can be read of a history does not change behind the back of who holds it."""
    store, model = recorded
    replayed, plain = read(PROBLEM, store, model), History(store)
    assert replayed.replayed
    assert not plain.replayed
    assert replayed.theta(5).shape == (plain.layout.size,)


def test_without_a_type_parameters_are_returned_as_they_were_recorded(full, recorded):
    stored = History(full[0])
    assert (stored.dtype, stored.stored_dtype) == (torch.float32, torch.float32)
    assert History(recorded[0]).dtype == torch.float64
    double = History(full[0], torch.float64)
    assert (double.dtype, double.stored_dtype) == (torch.float64, torch.float32)
    assert torch.equal(double.theta(4), stored.theta(4).double())


def test_components_replace_the_recorded_ones(full):
    recorded = History(full[0])
    renamed = History(full[0], components={"last.bias": "offset"})
    assert "offset" not in recorded.layout.components
    assert renamed.layout.components == (*recorded.layout.components, "offset")
    with pytest.raises(RecordingError, match="components names"):
        History(full[0], components={"nowhere": "x"})


def test_blocks_cover_every_step_once_both_ways(full):
    history = History(full[0])
    blocks = list(history.blocks())
    assert [s for b in blocks for s in range(b.start, b.stop)] == list(range(history.steps))
    assert len(blocks) > 1
    backward = list(history.blocks(reverse=True))
    assert [b.start for b in backward] == [b.start for b in reversed(blocks)]
    assert [b.start for b in history.blocks(first=4)] == [3, 6]
    for block in blocks:
        for step in range(block.start, block.stop):
            moved = history.theta(step + 1) - history.theta(step)
            assert torch.equal(block.increment(step), moved)


def test_coefficients_are_scalars_or_one_for_each_parameter(full):
    """Biases come first in the optimizer and have a learning rate of their own."""
    history = History(full[0])
    assert history.coefficient("mu", 1) == pytest.approx(0.9)
    rates = history.coefficient("learning_rate", 0)
    for slot in history.layout.slots:
        expected = 0.1 if slot.name.endswith("bias") else 0.03
        assert set(rates[slot.start : slot.stop].tolist()) == {expected}
    assert history.largest("learning_rate", 0) == 0.1
    assert history.uses("l2")
    assert not history.uses("decoupled")


def test_weights_of_samples_follow_the_reduction(full, tmp_path):
    history = History(full[0])
    batches = GROUPED.batches()
    for step in range(history.steps):
        size = len(batches[step])
        assert history.sample_weights(step).tolist() == [1 / size] * size
    summed = PROBLEMS["plain, sum, penalty"]
    record(summed, tmp_path / "run.zarr")
    assert set(History(tmp_path / "run.zarr").sample_weights(0).tolist()) == {1.0}
