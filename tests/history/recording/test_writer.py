"""A recording that stops goes on behind its last checkpoint."""

import multiprocessing
import os
import signal
from types import SimpleNamespace

import pytest
import torch
from torch.nn import functional

import explaind
from explaind.errors import RecordingError, StoreError
from explaind.history.recording import writer
from explaind.history.replay.history import History
from explaind.history.state import CHECKPOINT
from explaind.store import is_sealed
from tests.history.training_loop import SGD
from tests.kernel.engine import loader, record
from tests.oracles.problems import cross_entropy
from tests.oracles.smooth_models import Mlp

STEPS = 8
PROBLEM = SGD.but(steps=STEPS)


def recorder(store, model, optimizer, **options):
    return explaind.record(model, optimizer, cross_entropy, store, chunk=2, resume=True, **options)


def train(store, stop=None, after_step=lambda: None, **options):
    """Record from where the store is; an error before a step as if the process was killed."""
    model = PROBLEM.model()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with recorder(store, model, optimizer, **options) as recording:
        started = recording.steps
        for batch in recording.batches(loader(PROBLEM.train_data(), PROBLEM.batches()[started:])):
            if recording.steps == stop:
                raise KeyboardInterrupt
            optimizer.zero_grad()
            cross_entropy(model(batch.x), batch.y).mean().backward()
            optimizer.step()
            after_step()
    return started


def contents(store):
    """Every array of a history, bit for bit."""
    arrays = History(store)._dataset.load()
    return {name: array.values.tobytes() for name, array in arrays.items()}


def assert_equal(found, expected):
    found, expected = History(found), History(expected)
    assert found.steps == expected.steps == STEPS
    assert all(torch.equal(found.theta(s), expected.theta(s)) for s in range(STEPS + 1))
    assert (found.sample_checksums() == expected.sample_checksums()).all()


@pytest.fixture
def interrupted(store):
    """Stopped before step 5, its last checkpoint behind step 4."""
    with pytest.raises(KeyboardInterrupt):
        train(store, stop=5)
    assert not is_sealed(store)
    return store


def test_it_goes_on_and_ends_as_if_never_stopped(interrupted, tmp_path):
    assert train(interrupted) == 4
    record(PROBLEM, tmp_path / "whole.zarr", chunk=2)
    assert_equal(interrupted, tmp_path / "whole.zarr")
    assert not (interrupted / CHECKPOINT).exists()


@pytest.mark.parametrize(
    ("seconds", "saving", "stop", "goes_on_from"),
    [(10, 0, 7, 4), (1, 0, 7, 0), (31, 0, 7, 6), (20, 0, 7, 6), (20, 2, 7, 4)],
)
def test_checkpoints_of_a_large_model_are_half_a_minute_apart_or_more_if_they_are_slow(
    store, tmp_path, monkeypatch, seconds, saving, stop, goes_on_from
):
    clock = SimpleNamespace(now=0.0, monotonic=lambda: clock.now)
    monkeypatch.setattr(writer, "time", clock)
    monkeypatch.setattr(writer, "SMALL_BYTES", 0)
    save_state = writer.save_state

    def slow(path, state):
        clock.now += saving * (path.name == "checkpoint.pt")
        save_state(path, state)

    monkeypatch.setattr(writer, "save_state", slow)

    def after_step():
        clock.now += seconds

    with pytest.raises(KeyboardInterrupt):
        train(store, stop=stop, after_step=after_step)
    assert train(store) == goes_on_from  # chunks behind the checkpoint are written once more
    record(PROBLEM, tmp_path / "whole.zarr", chunk=2)
    assert_equal(store, tmp_path / "whole.zarr")


def test_it_does_not_go_on_with_other_settings(interrupted):
    with pytest.raises(RecordingError, match="recorded with other settings"):
        train(interrupted, attributes={"seed": 1})


def test_a_damaged_checkpoint_starts_anew(interrupted, caplog):
    path = interrupted / CHECKPOINT
    path.write_bytes(path.read_bytes()[:-1])
    assert train(interrupted) == 0
    assert "starts anew" in caplog.text


class Dropout(Mlp):
    def forward(self, x):
        hidden = torch.tanh(self.second(torch.tanh(self.first(x))))
        return self.last(functional.dropout(hidden, 0.4, self.training))


def jittered(x, index, step):
    return x + 0.1 * torch.randn_like(x)


def train_at_random(store, after_step=lambda: None, every=1):
    """Record a training with dropout and a random augmentation, from where the store is."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    problem = PROBLEM.but(make_model=Dropout)
    model = problem.model().train()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    with recorder(store, model, optimizer, augment=jittered, every=every) as recording:
        batches = problem.batches()[recording.steps :]
        for batch in recording.batches(loader(problem.train_data(), batches)):
            optimizer.zero_grad()
            cross_entropy(model(batch.x), batch.y).mean().backward()
            optimizer.step()
            after_step()


def killed(store, every):
    """Train until the process is killed before its second step behind a checkpoint."""
    left = iter(range(5))

    def after_step():
        if next(left, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)

    train_at_random(store, after_step, every)


@pytest.mark.kills
@pytest.mark.parametrize("every", [1, 2])
def test_a_killed_training_draws_on_as_if_never_killed(store, tmp_path, every):
    process = multiprocessing.get_context("spawn").Process(target=killed, args=(store, every))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert (store / CHECKPOINT).exists()
    train_at_random(store, every=every)
    train_at_random(tmp_path / "whole.zarr", every=every)
    assert contents(store) == contents(tmp_path / "whole.zarr")


def test_an_interrupted_training_draws_on_as_if_never_interrupted(store, tmp_path):
    left = iter(range(5))
    with pytest.raises(StopIteration):
        train_at_random(store, lambda: next(left))
    train_at_random(store)
    train_at_random(tmp_path / "whole.zarr")
    assert contents(store) == contents(tmp_path / "whole.zarr")


def test_a_sealed_store_is_not_resumed(store):
    train(store)
    with pytest.raises(StoreError, match="nothing to resume"):
        train(store)
