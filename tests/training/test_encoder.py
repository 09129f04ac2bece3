"""Training of encoders: selection, early stopping, going on after a kill, the recorded path."""

import math
from dataclasses import replace

import pytest
import torch

from explaind.config.encoder import Classification
from explaind.errors import ConfigError, RecordingError
from explaind.history.replay.history import History
from explaind.training import encoder as training
from explaind.training.encoder import EncoderTraining, replicate_seed, split_samples, train_network
from explaind.training.pretext import pretext_task
from tests.training.small_encoder import dataset, recorded, small


def train(folder, settings, data=None, replicate=0, origin=None):
    folder.mkdir(exist_ok=True)
    files = (folder / "c.npz", folder / "path.zarr")
    return train_network(settings, data or dataset(), replicate, *files, origin or {"of": "test"})


def weights(network):
    return torch.cat([tensor.flatten().double() for tensor in network.state_dict().values()])


def test_same_seeds_give_the_same_bits_and_replicates_differ(tmp_path):
    first, again, other = (
        weights(train(tmp_path / str(k), small(), replicate=k % 2)[0]) for k in (0, 2, 1)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_seeds_of_replicates_are_those_of_no_other_seed():
    seeds = {replicate_seed(small(seed=s), k) for s in range(20) for k in range(20)}
    assert len(seeds) == 400


@pytest.mark.parametrize(
    "settings",
    [small(), recorded(), recorded(schedule="cosine", drop_last=True, batch_size=5)],
    ids=["selected", "recorded", "scheduled"],
)
def test_a_training_that_was_killed_ends_with_the_same_bits(tmp_path, monkeypatch, settings):
    whole, state = train(tmp_path / "whole", settings)
    step, left = EncoderTraining._step, [7]

    def killed(self, batch):
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        step(self, batch)

    monkeypatch.setattr(EncoderTraining, "_step", killed)
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "killed", settings)
    left[0] = 10**9
    went_on, its = train(tmp_path / "killed", settings)
    assert torch.equal(weights(whole), weights(went_on))
    assert its.curves == state.curves
    assert 10**9 - left[0] <= 4 * 3 - 6  # the two epochs before the kill were not trained again


def test_a_rate_falls_along_a_cosine_from_its_full_value(tmp_path, monkeypatch):
    """D17: the published schedule was multiplied by the rate, .36 at first in place of .6."""
    step, rates = EncoderTraining._step, []

    def noted(self, batch):
        rates.append((self.optimizer.param_groups[0]["lr"], len(batch.x)))
        step(self, batch)

    monkeypatch.setattr(EncoderTraining, "_step", noted)
    settings = small(schedule="cosine", drop_last=True, batch_size=4, epochs=3, patience=None)
    train(tmp_path / "a", settings)
    assert [size for _, size in rates] == [4] * 12  # of 18 samples
    full, found = settings.optimizer.learning_rate, [rate for rate, _ in rates]
    assert found[0] == full
    assert found[6] == pytest.approx(full / 2)
    assert found[-1] == pytest.approx(full * (1 - math.cos(math.pi / 12)) / 2)
    with pytest.raises(ConfigError, match="expected at most 18"):
        train(tmp_path / "b", small(drop_last=True, batch_size=19))


def test_the_test_set_is_never_seen(tmp_path):
    data = dataset()
    nonsense = torch.full_like(data.x_validation, torch.nan)
    other = replace(data, x_validation=nonsense, y_validation=torch.zeros(0, dtype=torch.int64))
    for kind, settings in enumerate((small(), small(pretext=Classification()))):
        first = train(tmp_path / f"a{kind}", settings, data)
        second = train(tmp_path / f"b{kind}", settings, other)
        assert torch.equal(weights(first[0]), weights(second[0]))
        assert first[1].curves == second[1].curves


def test_what_selects_the_weights_is_not_trained_on():
    settings = small()
    fitted, held = split_samples(settings, dataset(), pretext_task(settings.pretext, 0, 60))
    assert (len(fitted.rows), len(held.rows)) == (18, 6)
    assert not set(fitted.rows.tolist()) & set(held.rows.tolist())


def test_samples_are_shuffled_anew_in_every_epoch(tmp_path, monkeypatch):
    """D20: the published trainings took them in the order of the file."""
    rows, step = [], EncoderTraining._step

    def seen(self, batch):
        rows.append(batch.index)
        step(self, batch)

    monkeypatch.setattr(EncoderTraining, "_step", seen)
    settings = small(patience=None)
    train(tmp_path / "a", settings)
    orders = torch.cat(rows).reshape(settings.epochs, -1)
    in_order = orders.sort(dim=1).values
    assert torch.equal(in_order, in_order[:1].expand_as(orders))
    assert in_order[0].unique().numel() == 18
    assert len({tuple(order) for order in (*orders.tolist(), in_order[0].tolist())}) == 5


def test_the_weights_of_the_lowest_loss_are_kept_and_training_stops(tmp_path, monkeypatch):
    losses = iter([5.0, 3.0, 4.0, 3.0, 9.0])
    states = []
    note = training.EncoderState.note

    def noted(self, network, optimizer):
        note(self, network, optimizer)
        states.append(self.network)

    def loss(self, samples):
        return next(losses) if samples is self.held else 0.0

    monkeypatch.setattr(EncoderTraining, "_loss", loss)
    monkeypatch.setattr(training.EncoderState, "note", noted)
    network, state = train(tmp_path / "a", small(epochs=9, patience=2))
    assert state.curves["validation_loss"] == [5.0, 3.0, 4.0, 3.0]
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, states[1][name])  # the first of the lowest


def test_without_patience_the_last_weights_are_kept(tmp_path):
    network, state = train(tmp_path / "a", small(patience=None, epochs=3))
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, state.network[name])
    assert state.epochs == 3
    assert not network.training


def test_the_recorded_path_ends_at_the_weights(tmp_path):
    network, _ = train(tmp_path / "a", recorded())
    history = History(tmp_path / "a" / "path.zarr")
    end = history.layout.unflatten(history.theta(history.steps))
    assert history.steps == 4 * 3
    for name, parameter in network.named_parameters():
        assert torch.equal(parameter, end[name])


def test_recording_changes_nothing(tmp_path):
    with_path, _ = train(tmp_path / "a", recorded())
    without, _ = train(tmp_path / "b", recorded().model_copy(update={"history": None}))
    assert torch.equal(weights(with_path), weights(without))


def test_a_loss_that_is_not_a_number_is_refused(tmp_path):
    data = dataset()
    with pytest.raises(RecordingError, match=r"training loss is nan\. Lower the learning rate"):
        train(tmp_path / "a", small(), replace(data, x_train=data.x_train * torch.nan))


def test_an_encoder_that_ignores_its_inputs_is_warned_of(tmp_path, caplog):
    data = dataset(64)
    grey = torch.linspace(0, 1, 72)[torch.randperm(72, generator=torch.Generator().manual_seed(0))]
    images = grey[:, None, None, None].expand(72, 1, 9, 9).contiguous()  # one number tells all
    data = replace(data, x_train=images[:64], x_validation=images[64:])
    train(tmp_path / "short", small(epochs=1), data)
    assert "hardly learned anything of its inputs" in caplog.text
    caplog.clear()
    optimizer = small().optimizer.model_copy(update={"learning_rate": 1e-2})
    train(tmp_path / "long", small(epochs=40, optimizer=optimizer), data)
    assert "hardly learned" not in caplog.text
