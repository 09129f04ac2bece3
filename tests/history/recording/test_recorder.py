"""What is recorded is what the loop did; what is not part of the path is refused."""

import inspect
import os
import re
from pathlib import Path

import pytest
import torch

import explaind
from explaind.errors import ConfigError, RecordingError, StoreError
from explaind.history.replay.history import History
from explaind.paths import SEAL
from explaind.provenance import provenance
from explaind.store import is_sealed, stored_attributes
from tests.history.training_loop import SGD, Training
from tests.kernel.engine import explain, loader
from tests.oracles.problems import cross_entropy


def test_theta_0_is_what_the_first_step_started_from(store):
    """Weights changed after ``record`` began but before the first step were once overlooked."""
    training = Training(store)
    training.before_training = lambda: training.model.last.weight.data.mul_(3.0)
    result = training.run_and_explain()
    start = SGD.model()
    start.last.weight.data.mul_(3.0)
    expected = start(SGD.test_data()[0]).detach()
    torch.testing.assert_close(torch.from_numpy(result.initial_output.values), expected)
    assert abs(result.residual.values).max() < 1e-9


def test_weights_changed_outside_the_optimizer_are_refused(store):
    training = Training(store)
    training.after_step = lambda: training.model.last.weight.data.mul_(0.9)
    with pytest.raises(RecordingError, match="step 1"):
        training.run()
    assert not is_sealed(store)


def test_parameters_that_another_optimizer_moved_in_the_end_are_warned_of(store, caplog):
    training = Training(store)
    training.run()
    assert not caplog.records

    def replaced():
        if training.optimizer.param_groups[0]["lr"] == 0.1:
            training.optimizer = torch.optim.SGD(training.model.parameters(), lr=0.2)

    training = Training(store)
    training.overwrite, training.after_step = True, replaced
    training.run()
    assert "changed after step 0, the last one recorded: by another optimizer" in caplog.text


def test_a_history_says_what_it_was_made_with(store):
    Training(store).run()
    assert stored_attributes(store)["made_with"] == provenance(torch.device("cpu"))


def test_a_change_after_the_training_does_not_enter_the_history(store):
    training = Training(store)
    training.run()
    x, _ = SGD.test_data()
    final = training.model(x).detach()
    training.model.last.weight.data.zero_()
    result = explain(SGD, store, training.model, outputs="all")
    torch.testing.assert_close(torch.from_numpy(result.final_output.values), final)


def test_clipping_behind_the_recorder_is_seen(store, tmp_path):
    """Clipped by torch as a whole: as if clipped by the recorder."""
    training = Training(store)
    weights = list(training.model.parameters())
    training.before_step = lambda _: torch.nn.utils.clip_grad_norm_(weights, 0.05)
    behind = training.run_and_explain()
    through = Training(tmp_path / "through.zarr")
    through.before_step = lambda recorder: recorder.clip_grad_norm_(0.05)
    expected = through.run_and_explain().influence
    torch.testing.assert_close(torch.tensor(behind.influence.values), torch.tensor(expected.values))
    assert abs(behind.residual.values).max() < 1e-9


def test_clipping_value_by_value_is_refused(store):
    training = Training(store)
    weights = list(training.model.parameters())
    training.before_step = lambda _: torch.nn.utils.clip_grad_value_(weights, 0.01)
    with pytest.raises(RecordingError, match=r"changed between backward and step.*clip_grad_norm_"):
        training.run()


def test_clipping_through_the_recorder_returns_the_norm_and_is_explained(store):
    """As ``torch.nn.utils.clip_grad_norm_`` does; without the factor the parts would not add up."""
    norms = []
    training = Training(store)
    training.before_step = lambda recorder: norms.append(float(recorder.clip_grad_norm_(0.05)))
    result = training.run_and_explain()
    free = SGD.model()
    x, y = SGD.train_data()
    first = SGD.batches()[0]
    cross_entropy(free(x[first]), y[first]).mean().backward()
    norm = torch.cat([p.grad.flatten() for p in free.parameters()]).norm()
    assert norms[0] == pytest.approx(float(norm), rel=1e-12)
    assert norms[0] > 0.05
    assert abs(result.residual.values).max() < 1e-9


def test_clipping_twice_multiplies(store):
    def clip_twice(recorder):
        recorder.clip_grad_norm_(0.2)
        recorder.clip_grad_norm_(0.1)

    training = Training(store)
    training.before_step = clip_twice
    assert abs(training.run_and_explain().residual.values).max() < 1e-9


def test_a_mean_recorded_as_a_sum_is_seen(store):
    """The loop averages, but ``record`` was told that it sums: what came back says so."""
    training = Training(store)
    training.reduction = "sum"
    training.run_and_explain()
    history = History(store)
    for step, batch in enumerate(SGD.batches()):
        size = len(batch)
        expected = torch.full((size,), 1 / size, dtype=torch.float64)
        torch.testing.assert_close(history.sample_weights(step), expected)


def test_a_step_without_any_gradient_is_none(store, tmp_path):
    """Torch skips all parameters."""
    training = Training(store)
    training.after_step = training.optimizer.step
    plain = Training(tmp_path / "plain.zarr")
    assert training.run_and_explain().equals(plain.run_and_explain())


def test_a_step_without_a_recorded_batch_is_refused(store):
    training = Training(store)

    def step_alone():
        training.model(SGD.train_data()[0]).sum().backward()
        training.optimizer.step()

    training.before_training = step_alone
    with pytest.raises(RecordingError, match=r"Step 0 has no batch.*step_of"):
        training.run()


def test_a_second_step_with_the_same_gradient_is_refused(store):
    training = Training(store)
    training.step = lambda: (training.optimizer.step(), training.optimizer.step())
    with pytest.raises(RecordingError, match="Step 1 has no batch"):
        training.run()


def test_a_gradient_that_was_not_emptied_is_refused(store):
    training = Training(store)
    training.step = training.optimizer.step
    with pytest.raises(RecordingError, match="adds to the gradient of the step before"):
        training.run()


def test_an_interrupted_training_is_never_read_as_a_history(store):
    def interrupt():
        raise KeyboardInterrupt

    training = Training(store)
    training.after_step = interrupt
    with pytest.raises(KeyboardInterrupt):
        training.run()
    assert not is_sealed(store)
    with pytest.raises(StoreError, match=re.escape(store.name)):
        explain(SGD, store, training.model)


def test_clipping_twice_is_refused_while_recording(tmp_path):
    training = Training(tmp_path / "run.zarr")
    training.every = 2

    def clip_twice(recorder):
        recorder.clip_grad_norm_(0.2)
        recorder.clip_grad_norm_(0.1)

    training.before_step = clip_twice
    with pytest.raises(RecordingError, match="step 0 is clipped a second time"):
        training.run()


def test_interval_below_one_is_refused(tmp_path):
    training = Training(tmp_path / "run.zarr")
    training.every = 0
    with pytest.raises(ConfigError, match="every: expected at least 1"):
        training.run()


def test_an_unknown_reduction_is_refused(store):
    record, model = inspect.unwrap(explaind.record), SGD.model()  # no types are checked for users
    with pytest.raises(ConfigError, match=r"reduction: expected one of .*mean.*sum.*'median'"):
        record(model, SGD.optimizer(model), cross_entropy, store, reduction="median")


def test_an_existing_store_is_left_alone(store):
    Training(store).run()
    before = (store / SEAL).read_text()
    with pytest.raises(StoreError, match="exists already"):
        Training(store).run()
    assert (store / SEAL).read_text() == before


def test_an_existing_store_is_made_anew_if_told_so_and_nothing_else_is(store):
    Training(store).run()
    training = Training(store)
    training.overwrite = True
    training.run()
    assert is_sealed(store)
    note = store / "note.txt"
    for folder in store.rglob("zarr.json"):
        folder.unlink()  # no longer a store: a folder of the user's
    note.write_text("mine")
    with pytest.raises(StoreError, match="overwrite=True if it is a store"):
        training.run()
    assert note.read_text() == "mine"


def test_a_relative_store_stays_where_it_was_begun(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    training = Training(Path("run.zarr"))
    training.after_step = lambda: os.chdir(tmp_path / "elsewhere")
    training.run()
    assert is_sealed(tmp_path / "run.zarr")
    assert not list((tmp_path / "elsewhere").iterdir())


def test_a_place_that_cannot_hold_a_store_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for place, message in (("file/run.zarr", "cannot be made"), ("link", "exists already")):
        with pytest.raises(StoreError, match=message):
            Training(tmp_path / place).run()


def test_a_batch_larger_than_the_first_names_the_room_needed(store):
    training = Training(store)
    training.loader = loader(SGD.train_data(), [[0, 1], [2, 3, 4]])
    with pytest.raises(RecordingError, match=r"step 1 has 3 samples.*max_batch_size=3"):
        training.run()


def test_no_hook_and_no_lock_is_left_behind(store):
    training = Training(store)
    training.run()
    training.step()  # outside of the block: not recorded, not refused
    assert [file.name for file in store.parent.iterdir()] == [store.name]


def test_metrics_are_those_that_were_announced(store):
    model = SGD.model()
    recorder = explaind.record(model, SGD.optimizer(model), cross_entropy, store, metrics=["loss"])
    with (
        pytest.raises(RecordingError, match=r"Expected metrics \['loss'\], got \['norm'\]"),
        recorder,
    ):
        recorder.log(norm=1.0)
