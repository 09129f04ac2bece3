"""A thinned history stores less and gives the same path, bit for bit."""

import numpy as np
import pytest
import torch
from torch import nn

from tests.history.checkpointed import PROBLEMS, both, read
from tests.kernel.engine import explain, record
from tests.oracles.smooth_models import Mlp

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


def test_a_segment_that_begins_between_snapshots(tmp_path):
    problem = PROBLEMS["momentum, schedule, clipping"]
    (full, thinned), model = both(problem, tmp_path, 4)
    expected, found = (explain(problem, s, model, segment=(1, 4)) for s in (full, thinned))
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


class Wide(Mlp):
    """Scaled by a sum long enough that torch splits it over threads."""

    def __init__(self):
        super().__init__()
        self.wide = nn.Parameter(torch.randn(100_000))

    def forward(self, x):
        return super().forward(x) * (1e-4 * self.wide.cos().sum())


class AlternatingThreads:
    """Stepped like a schedule: every other step with two threads, as if training was resumed."""

    def __init__(self, _):
        self.step()

    def step(self):
        torch.set_num_threads(3 - torch.get_num_threads())


def test_steps_are_replayed_with_the_threads_they_were_taken_with(tmp_path):
    problem = PROBLEMS["adamw"].but(make_model=Wide, scheduler=AlternatingThreads)
    x, y = problem.train_data()
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        found = []
        for every in (1, 3):
            store = tmp_path / f"{every}.zarr"
            model = problem.model().float()
            record(problem, store, every=every, model=model, data=(x.float(), y))
            found.append(read(problem, store, model).read(0, 9).params)
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(*found)


def size(store, prefix):
    return sum(
        file.stat().st_size
        for folder in store.iterdir()
        if folder.is_dir() and folder.name.startswith(prefix)
        for file in folder.rglob("*")
        if file.is_file() and file.name != "zarr.json"
    )


def test_bytes_fall_as_many_times_as_steps_lie_between_snapshots(tmp_path):
    """Full: parameters and second moment of each step; thinned: and both moments, now and then."""
    steps, every = 20, 5
    problem = PROBLEMS["adamw"].but(make_model=Wide, steps=steps)
    (full, thinned), _ = both(problem, tmp_path, every, chunk=1)
    row = 8 * sum(tensor.numel() for tensor in problem.model().parameters())
    assert size(full, ("params", "second")) == pytest.approx((2 * steps + 1) * row, rel=1e-3)
    snapshots = steps / every + 1
    assert size(thinned, ("params", "state")) == pytest.approx(3 * snapshots * row, rel=1e-3)
    assert size(thinned, "") == pytest.approx(3 * snapshots * row, rel=0.01)
