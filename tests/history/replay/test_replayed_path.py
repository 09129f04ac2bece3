"""A checkpointed history gives the same path, bit for bit; a replay that does not stops."""

import json
import shutil

import numpy as np
import pytest
import torch
import zarr

from explaind.errors import ConfigError, RecordingError
from explaind.paths import SEAL
from explaind.store.seal import write_seal
from tests.history.checkpointed import PROBLEMS, both, read
from tests.kernel.engine import explain, record
from tests.oracles.problems import squared_error
from tests.oracles.smooth_models import Mlp

INTERVALS = [
    pytest.param(2, id="2", marks=pytest.mark.long),
    pytest.param(4, id="4"),
    pytest.param(50, id="all in one", marks=pytest.mark.long),
]


def same_bits(a, b):
    return np.asarray(a).tobytes() == np.asarray(b).tobytes()


@pytest.mark.parametrize("every", INTERVALS)
@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS.keys())
def test_influence_is_that_of_the_full_history_bit_for_bit(problem, every, tmp_path):
    """Batches are unequal (5, 5, 2, ...)."""
    (full, checkpointed), model = both(problem, tmp_path, every)
    expected, found = (
        explain(problem, store, model, intervals=2) for store in (full, checkpointed)
    )
    assert set(found) == set(expected)
    assert [name for name in expected if not same_bits(found[name], expected[name])] == []
    assert float(abs(expected.influence).max()) > 0


def test_a_segment_that_begins_between_snapshots(tmp_path):
    problem = PROBLEMS["momentum, schedule, clipping"]
    (full, checkpointed), model = both(problem, tmp_path, 4)
    expected, found = (explain(problem, s, model, segment=(1, 4)) for s in (full, checkpointed))
    assert [name for name in expected if not same_bits(found[name], expected[name])] == []


@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS.keys())
def test_float32_network_is_replayed_in_float32(problem, tmp_path):
    """And from a copy of the network and the data in float64."""
    x, y = problem.train_data()
    stores = []
    for every in (1, 3):
        stores.append(tmp_path / f"{every}.zarr")
        model = problem.model().float()
        record(problem, stores[-1], model=model, data=(x.float(), y), every=every)
    expected, found = (explain(problem, store, model.double()) for store in stores)
    assert same_bits(found.influence, expected.influence)


@pytest.mark.parametrize("chunk", [1, 4, 100])
def test_any_interval_can_be_read(chunk, tmp_path):
    problem = PROBLEMS["adamw"]
    (full, checkpointed), model = both(problem, tmp_path, 4, chunk=chunk)
    expected, found = read(problem, full, model), read(problem, checkpointed, model)
    for start, stop in [(0, 1), (8, 9), (3, 5), (0, 9), (4, 8), (5, 9), (2, 3)]:
        a, b = expected.read(start, stop), found.read(start, stop)
        assert torch.equal(a.params, b.params)
        assert torch.equal(a.second_moment, b.second_moment)
    assert all(torch.equal(expected.theta(s), found.theta(s)) for s in range(10))


def test_a_walk_trains_every_step_once(tmp_path):
    """Backward over the blocks, each read again piece by piece, and the ends of the path."""
    problem = PROBLEMS["adamw"]
    store = tmp_path / "run.zarr"
    model = record(problem, store, every=4)
    calls = []

    def loss_fn(output, target):
        calls.append(len(target))
        return problem.loss_fn(output, target)

    history = read(problem, store, model, loss_fn=loss_fn)
    for block in history.blocks(reverse=True):
        for step in range(block.start, block.stop):
            history.read(step, step + 1)
    history.theta(0), history.theta(9)
    assert sorted(calls) == sorted(len(batch) for batch in problem.batches())


PROBLEM = PROBLEMS["adamw"]


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
    with pytest.raises(ConfigError, match="penalty: expected none, as was recorded"):
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


def test_on_another_device_an_interval_ends_in_the_recorded_snapshot(copied, recorded):
    full = read(PROBLEM, recorded[0], recorded[1]).read(0, 9).params

    def rough(output, target):
        return PROBLEM.loss_fn(output * (1 + 1e-9), target)

    found = read(PROBLEM, on_gpu(copied), recorded[1], loss_fn=rough).read(0, 9).params
    assert not torch.equal(found, full)
    assert [s for s in range(10) if torch.equal(found[s], full[s])] == [0, 4, 8, 9]
    torch.testing.assert_close(found, full, rtol=1e-6, atol=1e-6)


def test_on_another_device_an_interval_that_misses_the_snapshot_is_refused(copied, recorded):
    def other(output, target):
        return PROBLEM.loss_fn(1.1 * output, target)

    history = read(PROBLEM, on_gpu(copied), recorded[1], loss_fn=other)
    with pytest.raises(RecordingError, match=r"before step 4 are off by .* expected at most 0.001"):
        history.read(0, 1)
