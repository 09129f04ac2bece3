"""A replay that does not come out as recorded stops, with the step and what to do."""

import json
import shutil

import pytest
import torch
import zarr

from explaind.errors import ConfigError, RecordingError, UnsupportedError
from explaind.history.history import History
from explaind.paths import SEAL
from explaind.store.seal import write_seal
from tests.history.checkpointed import PROBLEMS, read
from tests.history.training_loop import Training
from tests.kernel.engine import explain, record
from tests.oracles.problems import squared_error
from tests.oracles.smooth_models import Mlp

PROBLEM = PROBLEMS["adamw"]
EVERY = 4


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    store = tmp_path_factory.mktemp("thinned") / "run.zarr"
    return store, record(PROBLEM, store, every=EVERY)


@pytest.fixture
def copied(recorded, tmp_path):
    """A store of one's own to spoil."""
    return shutil.copytree(recorded[0], tmp_path / "run.zarr")


def spoil(store, array, place):
    """Change one number; zarr writes a chunk whose own checksum is right."""
    values = zarr.open_group(store, mode="r+")[array]
    values[place] = values[place] * 2 + 1


def test_other_data(recorded):
    store, model = recorded
    x, y = PROBLEM.train_data()
    with pytest.raises(ConfigError, match="Sample 3 of train_data"):
        explain(PROBLEM, store, model, data=(x + (torch.arange(len(x)) == 3)[:, None], y))


def test_other_loss(recorded):
    store, model = recorded
    with pytest.raises(RecordingError, match=r"step 0 leads to other parameters.*loss_fn"):
        explain(PROBLEM.but(loss_fn=squared_error), store, model)


def test_other_penalty(recorded):
    store, model = recorded
    other = PROBLEM.but(penalty=lambda p: p["last.bias"].sum())
    with pytest.raises(RecordingError, match=r"step 0 leads to other parameters.*penalty"):
        explain(other, store, model)


def test_model_of_another_width(recorded):
    wider = torch.nn.Linear(6, 7).double()
    other = Mlp().double()
    other.second = wider
    with pytest.raises(ConfigError, match=r"'second.weight' has shape \(7, 6\), expected \(5, 6\)"):
        explain(PROBLEM, recorded[0], other)


def test_changed_snapshot(copied, recorded):
    spoil(copied, "params", (1, 3))
    history = read(PROBLEM, copied, recorded[1])
    with pytest.raises(RecordingError, match="snapshot of step 4 has another checksum"):
        history.read(5, 6)
    assert len(history.read(8, 9).params) == 2  # from the snapshot behind it


@pytest.mark.parametrize(
    ("array", "place", "step"),
    [
        ("state_exp_avg", (1, 3), 4),
        ("state_exp_avg_sq", (2, 3), 8),
        ("setting", (2, 0, 3), 2),
        ("params_checksum", 7, 6),
    ],
)
def test_changed_record_names_the_step(copied, recorded, array, place, step):
    spoil(copied, array, place)
    with pytest.raises(RecordingError, match=f"step {step} leads to other parameters"):
        explain(PROBLEM, copied, recorded[1])


def test_flipped_byte_is_found_by_the_store(copied, recorded):
    chunk = copied / "state_exp_avg" / "c" / "0" / "0"
    content = bytearray(chunk.read_bytes())
    content[100] ^= 1
    chunk.write_bytes(content)
    with pytest.raises(Exception, match=r"(?i)checksum"):
        explain(PROBLEM, copied, recorded[1])


def on_gpu(store):
    """As if it had been recorded on another device."""
    group = zarr.open_group(store, mode="r+")
    group.attrs["device"] = "cuda"
    names = json.loads((store / SEAL).read_text())["arrays"]
    write_seal(store, {name: group[name] for name in names})
    return store


def test_on_another_device_a_stretch_ends_in_the_recorded_snapshot(copied, recorded):
    full = read(PROBLEM, recorded[0], recorded[1]).read(0, 9).params

    def rough(output, target):
        return PROBLEM.loss_fn(output * (1 + 1e-9), target)

    found = read(PROBLEM, on_gpu(copied), recorded[1], loss_fn=rough).read(0, 9).params
    assert not torch.equal(found, full)
    assert [s for s in range(10) if torch.equal(found[s], full[s])] == [0, 4, 8, 9]
    torch.testing.assert_close(found, full, rtol=1e-6, atol=1e-6)


def test_on_another_device_a_stretch_that_misses_the_snapshot_is_refused(copied, recorded):
    def other(output, target):
        return PROBLEM.loss_fn(1.1 * output, target)

    history = read(PROBLEM, on_gpu(copied), recorded[1], loss_fn=other)
    with pytest.raises(RecordingError, match=r"before step 4 are off by .* expected at most 0.001"):
        history.read(0, 1)


def test_parameters_without_replay_are_refused(recorded):
    history = History(recorded[0])
    assert history.batch(0).tolist() == PROBLEM.batches()[0]
    with pytest.raises(RecordingError, match=r"checkpointed history.*PathKernel"):
        history.read(0, 1)


def test_clipping_twice_is_refused_while_recording(tmp_path):
    training = Training(tmp_path / "run.zarr")
    training.every = 2

    def clip_twice(recorder):
        recorder.clip_grad_norm_(0.2)
        recorder.clip_grad_norm_(0.1)

    training.before_step = clip_twice
    with pytest.raises(RecordingError, match="step 0 is clipped a second time"):
        training.run()


def test_momentum_switched_on_late_is_refused_while_recording(tmp_path):
    training = Training(tmp_path / "run.zarr")
    training.every = 2
    training.after_step = lambda: training.optimizer.param_groups[0].update(momentum=0.9)
    with pytest.raises(RecordingError, match="momentum_buffer"):
        training.run()


def test_switch_turned_while_recording_is_refused(tmp_path):
    training = Training(tmp_path / "run.zarr")
    training.every = 2
    training.after_step = lambda: training.optimizer.param_groups[0].update(foreach=True)
    with pytest.raises(RecordingError, match="changed before step 1"):
        training.run()


def test_learning_rate_that_is_a_tensor_is_refused(tmp_path):
    training = Training(tmp_path / "run.zarr")
    training.every = 2
    training.optimizer.param_groups[0]["lr"] = torch.tensor(0.1)
    with pytest.raises(UnsupportedError, match="lr is a tensor"):
        training.run()


def test_interval_below_one_is_refused(tmp_path):
    training = Training(tmp_path / "run.zarr")
    training.every = 0
    with pytest.raises(ConfigError, match="every: expected at least 1"):
        training.run()
