"""A thinned history stores less and gives the same path, bit for bit."""

import numpy as np
import pytest
import torch
from torch import nn

from tests.history.thinned import PROBLEMS, both, read
from tests.kernel.engine import explain, record
from tests.oracles.problems import TRAIN_SAMPLES
from tests.oracles.smooth_models import CLASSES, FEATURES

EVERY = {"2": 2, "4": 4, "all in one": 50}


def same_bits(a, b):
    return np.asarray(a).tobytes() == np.asarray(b).tobytes()


@pytest.mark.parametrize("every", EVERY.values(), ids=EVERY.keys())
@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS.keys())
def test_influence_is_that_of_the_full_history_bit_for_bit(problem, every, tmp_path):
    """Batches are unequal (5, 5, 2, ...)."""
    (full, thinned), model = both(problem, tmp_path, every)
    expected, found = (explain(problem, store, model, intervals=2) for store in (full, thinned))
    assert set(found) == set(expected)
    assert [name for name in expected if not same_bits(found[name], expected[name])] == []
    assert float(abs(expected.influence).max()) > 0


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
def test_any_stretch_can_be_read(chunk, tmp_path):
    problem = PROBLEMS["adamw"]
    (full, thinned), model = both(problem, tmp_path, 4, chunk=chunk)
    expected, found = read(problem, full, model), read(problem, thinned, model)
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


def test_the_module_and_the_threads_are_left_as_they_are(tmp_path):
    problem = PROBLEMS["adamw"]
    store = tmp_path / "run.zarr"
    model = record(problem, store, every=4)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    model.zero_grad()
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        read(problem, store, model).read(0, 9)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())


class Wide(nn.Sequential):
    """Wide enough that torch splits its sums over threads."""

    def __init__(self):
        super().__init__(nn.Linear(FEATURES, 512), nn.ReLU(), nn.Linear(512, 256), nn.ReLU())
        self.append(nn.Linear(256, CLASSES))


def test_steps_are_replayed_with_the_threads_they_were_taken_with(tmp_path):
    """Some steps with one, some with two, as after a resumed training."""
    problem = PROBLEMS["adamw"].but(make_model=Wide, batch_size=TRAIN_SAMPLES, steps=6)
    threads = torch.get_num_threads()

    def alternating(output, target):
        torch.set_num_threads(3 - torch.get_num_threads())
        return problem.loss_fn(output, target)

    stores, model = [], problem.model().float()
    try:
        for every in (1, 3):
            torch.set_num_threads(1)
            stores.append(tmp_path / f"{every}.zarr")
            record(problem.but(loss_fn=alternating), stores[-1], every=every, data=floats(problem))
    finally:
        torch.set_num_threads(threads)
    expected, found = (read(problem, store, model).read(0, 6) for store in stores)
    assert torch.equal(found.params, expected.params)


def floats(problem):
    x, y = problem.train_data()
    return x.float(), y


def size(store, prefix):
    return sum(
        file.stat().st_size
        for folder in store.iterdir()
        if folder.is_dir() and folder.name.startswith(prefix)
        for file in folder.rglob("*")
        if file.is_file() and file.name != "zarr.json"
    )


def test_bytes_of_the_parameters_fall_as_many_times_as_steps_lie_between_snapshots(tmp_path):
    """Full: parameters and second moment of each step; thinned: and both moments, now and then."""
    problem = PROBLEMS["adamw"].but(make_model=Wide, steps=60)
    (full, thinned), _ = both(problem, tmp_path, 10)
    parameters = sum(tensor.numel() for tensor in problem.model().parameters())
    assert size(full, ("params", "second")) == pytest.approx(8 * parameters * 121, rel=0.01)
    assert size(thinned, ("params", "state")) == pytest.approx(8 * parameters * 3 * 7, rel=0.01)
    ratio = size(full, "") / size(thinned, "")
    assert 121 / 21 * 0.9 < ratio < 121 / 21
