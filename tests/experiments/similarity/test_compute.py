"""Gram matrices against vectors worked out apart, in float64."""

import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.optim import AdamW

import explaind
from explaind.config.load import load_config
from explaind.data.load import LoadedDataset
from explaind.errors import ConfigError, PlanError
from explaind.experiments.job import Job
from explaind.experiments.similarity import compute as module
from explaind.experiments.similarity.compute import check_memory, choose_samples, compute
from explaind.experiments.similarity.cosines import component_grams, cosines
from explaind.experiments.similarity.settings import SimilaritySettings
from explaind.experiments.similarity.sizes import stored_bytes
from explaind.history.replay.history import History
from explaind.paths import Paths
from explaind.store import open_sealed
from tests.kernel.engine import SMOOTH, record
from tests.oracles.problems import TEST_SAMPLES, Problem

RATE, DECAY = 0.05, 0.5
PROBLEM = Problem("adamw", lambda model: AdamW(model.parameters(), lr=RATE, weight_decay=DECAY))
TRAIN, INTERVALS, NODES = 4, 3, 100


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    store = tmp_path_factory.mktemp("history") / "run.zarr"
    return store, record(PROBLEM, store)


@pytest.fixture(scope="module")
def data():
    (x, y), (x_validation, y_validation) = PROBLEM.train_data(), PROBLEM.test_data()
    return LoadedDataset(x, y, x_validation, y_validation, 3, "")


def computed(trained, data, **options):
    store, model = trained
    kernel = explaind.PathKernel(
        store, model, PROBLEM.loss_fn, PROBLEM.train_data(), quadrature=SMOOTH
    )
    sizes = {"samples": TEST_SAMPLES, "train_samples": TRAIN, "intervals": INTERVALS}
    section = {"run": "grokking", **sizes, **options}
    config = load_config({"experiments": {"similarity": section}})
    settings = config.experiments["similarity"]
    job = Job("similarity", settings, config, Paths(store.parent), store.parent / "none")
    vars(job).update(kernel=kernel, data=data)  # in place of those of the run
    return compute(job)


def dense_vectors(trained, data):
    """`sum_s abar_s * (Delta_s + lr decay theta_s)` of every interval, sample and functional."""
    store, model = trained
    history = History(store)
    layout, steps = history.layout, history.steps
    x = torch.cat([data.x_validation, data.x_train[:TRAIN]])
    y = torch.cat([data.y_validation, data.y_train[:TRAIN]])
    bounds = np.linspace(0, steps, INTERVALS + 1).round().astype(int)
    vectors = torch.zeros(INTERVALS, len(x), 2, layout.size, dtype=torch.float64)
    for step in range(steps):
        theta, end = history.theta(step), history.theta(step + 1)
        data_motion = end - theta + RATE * DECAY * theta
        interval = int((bounds[1:] <= step).sum())
        for node in (np.arange(NODES) + 0.5) / NODES:
            point = theta + node * (end - theta)
            vectors[interval] += gradients(model, layout, point, x, y) * data_motion / NODES
    return vectors


def gradients(model, layout, point, x, y):
    def outputs(vector):
        found = torch.func.functional_call(model, layout.unflatten(vector), (x,))
        target = found.log_softmax(-1)[torch.arange(len(y)), y]
        return torch.stack([found.sum(1), target], 1)

    return torch.func.jacrev(outputs)(point)


def test_maps_are_those_of_dense_vectors(trained, data):
    found, vectors = computed(trained, data), dense_vectors(trained, data)
    slots = History(trained[0]).layout.slots
    for functional in range(2):
        for number, slot in enumerate(slots):
            parts = vectors[:, :, functional, slot.start : slot.stop].numpy()
            close = {"rtol": 2e-5, "atol": 1e-7}
            expected = np.einsum("kip,kjp->kij", parts, parts)
            by_interval = found["gram_by_interval"][:, functional, number]
            np.testing.assert_allclose(by_interval, expected, **close)
            whole = parts.sum(0)
            np.testing.assert_allclose(found["gram"][functional, number], whole @ whole.T, **close)
    whole = vectors.sum(0).numpy()
    expected = np.einsum("ifp,jfp->fij", whole, whole)
    lengths = np.sqrt(np.diagonal(expected, axis1=1, axis2=2))
    cosine = cosines(component_grams(found))[0, :, 0]
    np.testing.assert_allclose(
        cosine, expected / lengths[:, :, None] / lengths[:, None], rtol=1e-5, atol=1e-6
    )


def test_vectors_add_up_to_the_data_part_of_each_sample(trained, data):
    """Of training samples, too: the published branch raised."""
    found = computed(trained, data)
    store, model = trained
    kernel = explaind.PathKernel(
        store, model, PROBLEM.loss_fn, PROBLEM.train_data(), quadrature=SMOOTH
    )
    x = torch.cat([data.x_validation, data.x_train[:TRAIN]])
    y = torch.cat([data.y_validation, data.y_train[:TRAIN]])
    explained = kernel.explain(x, y, "target_logprob", keep=())["step_data"].sum("step")[:, 0]
    np.testing.assert_allclose(
        found["data"].sel(functional="target_logprob"), explained, rtol=1e-9, atol=1e-13
    )
    np.testing.assert_array_equal(found["training"], [0] * TEST_SAMPLES + [1] * TRAIN)
    np.testing.assert_array_equal(found["target"], y)


def test_blocks_order_and_number_of_samples_do_not_matter(trained, data):
    whole = computed(trained, data)["gram"]
    for block in (1, 3):
        found = computed(trained, data, block=block)["gram"]
        np.testing.assert_allclose(found, whole, rtol=1e-5, atol=1e-8)
    reversed_data = replace(
        data,
        x_validation=data.x_validation.flip(0),
        y_validation=data.y_validation.flip(0),
    )
    order = [*reversed(range(TEST_SAMPLES)), *range(TEST_SAMPLES, TEST_SAMPLES + TRAIN)]
    found = computed(trained, reversed_data)["gram"]
    np.testing.assert_allclose(found, whole[:, :, order, order], rtol=1e-5, atol=1e-8)
    fewer = computed(trained, data, samples=2, train_samples=0)["gram"]
    np.testing.assert_allclose(fewer, whole[:, :, :2, :2], rtol=1e-5, atol=1e-8)


def test_bytes_on_disk_are_said_before_and_those_of_the_arrays(trained, data, caplog):
    with caplog.at_level("INFO", "explaind"):
        found = computed(trained, data, every=3)
    np.testing.assert_array_equal(found["interval_start"], [0, 3, 6])  # of 9 steps
    settings = SimilaritySettings(run="r", samples=TEST_SAMPLES, train_samples=TRAIN, every=3)
    stored = stored_bytes(settings, PROBLEM.steps, found.sizes["tensor"])
    assert stored == found["gram"].nbytes + found["gram_by_interval"].nbytes
    assert re.match(r"needs \d\.\d\d GB, and 0\.00 GB on disk", caplog.messages[0])


def test_what_does_not_fit_is_refused_before_the_work(trained, data, monkeypatch):
    with pytest.raises(
        ConfigError, match=rf"experiments\.s\.samples: expected at most {TEST_SAMPLES}"
    ):
        choose_samples(data, SimilaritySettings(run="r", samples=9, train_samples=1), "s")
    with pytest.raises(PlanError, match=r"at most 1.00 GB, which are free, got 2.00 GB; lower"):
        check_memory(2 * 10**9, 10**9, "s")
    monkeypatch.setattr(module, "free_bytes", lambda _: 10)
    with pytest.raises(PlanError, match=r"experiments\.similarity"):
        computed(trained, data)


def test_store_of_the_rule(tiny_run):
    paths = Paths(tiny_run)
    store = open_sealed(paths.experiment("grokking", "similarity", "zarr"))
    assert dict(store["gram_by_interval"].sizes) == {
        "interval": 3,
        "functional": 2,
        "tensor": 8,
        "sample": 20,
        "other": 20,
    }
    assert [tensor["name"] for tensor in store.attrs["tensors"]] == store["tensor"].values.tolist()
    influence = open_sealed(paths.influence("grokking"))
    expected = influence["step_data"].sum("step")[:8, 0]
    np.testing.assert_allclose(store["data"][1, :8], expected, rtol=1e-3, atol=1e-5)
