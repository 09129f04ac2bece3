"""What must not matter does not matter: splits, orders, chunk sizes, threads."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.optim import SGD, AdamW
from torch.utils.data import TensorDataset

from explaind.kernel.contraction import training_side
from explaind.kernel.query.quadrature import Quadrature
from tests.kernel.engine import explain, record
from tests.oracles.problems import TRAIN_SAMPLES, Problem, vectors
from tests.oracles.smooth_models import CLASSES, Mlp

TEST_SAMPLES = 6
ADAPTIVE = Quadrature(rule="secant", subintervals=1, tolerance=0.001, max_subintervals=8)
"""Each query chooses its own subintervals: the choice must not depend on its neighbours."""


class ReluMlp(Mlp):
    def forward(self, x):
        return self.last(torch.relu(self.second(torch.relu(self.first(x)))))


ADAMW = Problem(
    "adamw", lambda model: AdamW(model.parameters(), lr=0.05, weight_decay=0.5), ReluMlp
)
MOMENTUM = Problem(
    "momentum",
    lambda model: SGD(model.parameters(), lr=0.2, momentum=0.8, weight_decay=0.1),
    ReluMlp,
)
OPTIMIZERS = {"adamw": ADAMW, "momentum": MOMENTUM}
QUERIES = vectors(TEST_SAMPLES, seed=5)


@pytest.fixture(scope="module", params=OPTIMIZERS.values(), ids=OPTIMIZERS.keys())
def run(request, tmp_path_factory):
    """A function that explains samples of a recorded training."""
    problem = request.param
    store = tmp_path_factory.mktemp("history") / f"{problem.name}.zarr"
    model = record(problem, store)

    def explained(rows=slice(None), **options):
        queries = QUERIES[0][rows], QUERIES[1][rows]
        return explain(
            problem, store, model, queries=queries, quadrature=ADAPTIVE, intervals=2, **options
        )

    return explained


def assert_same(actual, expected, tolerance=1e-11):
    """All variables, relative to the largest number of each.

    `rounding` is nothing but rounding in float64: it is held against the data part.
    """
    assert set(actual) == set(expected)
    for name in actual:
        a = np.asarray(actual[name].transpose(*expected[name].dims), float)
        b = np.asarray(expected[name], float)
        size = expected["data"] if name == "rounding" else b
        scale = max(float(np.abs(size).max()), 1e-9)
        np.testing.assert_allclose(a, b, rtol=0.0, atol=tolerance * scale, err_msg=name)


def test_samples_explained_together_or_in_shards(run):
    together = run()
    assert len(np.unique(together.subintervals)) > 1
    shards = [run(rows) for rows in (slice(0, 1), slice(1, 4), slice(4, None))]
    joined = xr.concat(shards, "test", data_vars="minimal", join="override")
    assert_same(joined, together)


def test_order_of_the_samples(run):
    order = [3, 5, 0, 4, 1, 2]
    assert_same(run(order), run().isel(test=order))


@pytest.mark.parametrize("block", [1, 4])
def test_samples_per_forward_pass(run, block):
    assert_same(run(block=block), run())


def test_training_samples_per_chunk(run, monkeypatch):
    """Room for the gradients of a single sample instead of the whole batch."""
    expected = run()
    monkeypatch.setattr(training_side, "WORKING_BYTES", 1)
    assert_same(run(), expected)


@pytest.mark.parametrize("problem", OPTIMIZERS.values(), ids=OPTIMIZERS.keys())
def test_steps_per_chunk_of_the_history(problem, tmp_path):
    results = []
    for chunk in (None, 1, 2, 3, 100):
        store, options = tmp_path / f"{chunk}.zarr", {} if chunk is None else {"chunk": chunk}
        results.append(explain(problem, store, record(problem, store, **options), intervals=3))
    for chunked in results[1:]:
        assert_same(results[0], chunked)


@pytest.mark.parametrize("problem", OPTIMIZERS.values(), ids=OPTIMIZERS.keys())
def test_training_data_as_tensors_or_as_dataset(problem, tmp_path):
    store = tmp_path / "run.zarr"
    model = record(problem, store)
    data = problem.train_data()
    assert_same(
        explain(problem, store, model, data=TensorDataset(*data)),
        explain(problem, store, model, data=data),
    )


GROUPS = {
    "first.weight": "inner",
    "first.bias": "biases",
    "second.weight": "inner",
    "second.bias": "biases",
    "last.weight": "outer",
    "last.bias": "biases",
}


def test_a_component_is_the_sum_of_its_tensors(run):
    """Also where the tensors of a component do not lie next to each other."""
    fine, coarse = run(), run(components=GROUPS)
    assert set(coarse.component.values) == set(GROUPS.values())
    for name in ("influence_by_component", "influence_by_interval", "step_decay_by_component"):
        for group in coarse.component.values:
            members = [tensor for tensor, of in GROUPS.items() if of == group]
            summed = fine[name].sel(component=members).sum("component")
            np.testing.assert_allclose(coarse[name].sel(component=group), summed, atol=1e-12)
    assert_same(coarse.influence.to_dataset(), fine.influence.to_dataset())


class Wide(nn.Sequential):
    """Wide enough that torch splits its matrix products over threads."""

    def __init__(self):
        super().__init__(nn.Linear(4, 512), nn.ReLU(), nn.Linear(512, 256), nn.ReLU())
        self.append(nn.Linear(256, CLASSES))


def test_number_of_threads(tmp_path):
    """To 1e-5 in float32."""
    problem = Problem("wide", lambda m: AdamW(m.parameters(), lr=0.002), Wide, steps=4)
    store = tmp_path / "wide.zarr"
    model = problem.model().float()
    x, y = problem.train_data()
    data = x.float(), y
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        record(problem, store, model=model, data=data)
        fixed = {"data": data, "queries": QUERIES, "dtype": torch.float32}
        one = explain(problem, store, model, **fixed)
        torch.set_num_threads(2)
        two = explain(problem, store, model, **fixed)
    finally:
        torch.set_num_threads(threads)
    assert_same(two.influence.to_dataset(), one.influence.to_dataset(), 1e-5)
    assert_same(two.decay.to_dataset(), one.decay.to_dataset(), 1e-5)


def influence_of(problem, data, batches):
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "run.zarr"
        model = record(problem, store, data=data, batches=batches)
        return explain(problem, store, model, data=data, quadrature=ADAPTIVE)


@settings(max_examples=6, deadline=None)
@given(
    order=st.permutations(range(TRAIN_SAMPLES)),
    problem=st.sampled_from(list(OPTIMIZERS.values())),
    batch_size=st.sampled_from([1, 5, TRAIN_SAMPLES]),
)
def test_order_of_the_training_set(order, problem, batch_size):
    """The same training on a permuted data set permutes the train axis and nothing else."""
    problem = problem.but(batch_size=batch_size, steps=5)
    x, y = problem.train_data()
    place = np.argsort(order)
    batches = [[int(place[i]) for i in batch] for batch in problem.batches()]
    permuted = influence_of(problem, (x[order], y[order]), batches)
    expected = influence_of(problem, (x, y), problem.batches()).isel(train=order)
    names = "train_index"  # it numbers the rows of the data set as they lie
    assert_same(permuted.drop_vars(names), expected.drop_vars(names))


BATCH = st.lists(st.integers(0, TRAIN_SAMPLES - 1), min_size=1, max_size=7, unique=True)


@settings(max_examples=12, deadline=None)
@given(batches=st.lists(BATCH, min_size=1, max_size=6), problem=st.sampled_from([ADAMW, MOMENTUM]))
def test_whatever_the_batches_the_parts_add_up(batches, problem):
    """And a sample that was in no batch has no influence."""
    result = influence_of(problem.but(make_model=Mlp), problem.train_data(), batches)
    parts = result.initial_output + result.influence.sum("train") + result.decay + result.residual
    assert np.abs(parts - result.final_output).max() < 1e-11
    drawn = {i for batch in batches for i in batch}
    absent = [i for i in range(TRAIN_SAMPLES) if i not in drawn]
    assert np.all(result.influence.isel(train=absent) == 0.0)
    assert np.all(np.abs(result.influence.isel(train=sorted(drawn))).max(["test", "output"]) > 0.0)
