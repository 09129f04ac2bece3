"""Many samples in blocks are explained as all at once, and no half of them is taken for whole."""

import inspect
import multiprocessing
import os
import signal

import numpy as np
import pytest
import torch
import xarray as xr
from torch.optim import AdamW
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

import explaind
from explaind.errors import ConfigError, StoreError
from explaind.kernel.explain_to_store import _said
from explaind.kernel.query.quadrature import Quadrature
from tests.kernel.engine import SMOOTH, record
from tests.oracles.problems import Problem, vectors

PROBLEM = Problem("adamw", lambda model: AdamW(model.parameters(), lr=0.05, weight_decay=0.5))
X, Y = vectors(7, seed=9)


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    store = tmp_path_factory.mktemp("history") / "run.zarr"
    model = record(PROBLEM, store)
    return explaind.PathKernel(
        store, model, PROBLEM.loss_fn, PROBLEM.train_data(), quadrature=SMOOTH
    )


class Counted(TensorDataset):
    """A dataset that says how many of its samples were read."""

    read = 0

    def __getitem__(self, i):
        self.read += 1
        return super().__getitem__(i)


GIVEN = {
    "tensors": lambda: (X, Y),
    "dataset": lambda: (TensorDataset(X, Y),),
    "loader": lambda: (DataLoader(TensorDataset(X, Y), batch_size=5),),
}


@pytest.mark.parametrize("given", GIVEN.values(), ids=GIVEN)
def test_blocks_make_what_all_at_once_makes(kernel, tmp_path, given):
    options = {"intervals": 2, "keep": ("influence", "component", "interval", "top")}
    expected = kernel.explain(X, Y, "all", **options)
    found = explaind.explain_to_store(
        kernel, tmp_path / "e.zarr", *given(), together=3, outputs="all", **options
    )
    xr.testing.assert_allclose(found.load(), expected, rtol=1e-9, atol=1e-12)
    assert found.attrs["completeness_error"] < 1e-12
    assert found.influence.attrs == expected.influence.attrs
    assert "7 samples" in found.explanation.summary()


def test_samples_are_read_when_their_turn_comes(kernel, tmp_path, monkeypatch):
    data, read = Counted(X, Y), []
    explain = kernel.explain
    monkeypatch.setattr(
        kernel, "explain", lambda *a, **k: read.append(data.read) or explain(*a, **k)
    )
    explaind.explain_to_store(kernel, tmp_path / "e.zarr", data, together=3)
    assert read == [3, 6, 7]


def test_an_interruption_leaves_no_store(kernel, tmp_path):
    x = X.clone()
    x[5] = torch.nan
    with pytest.raises(ConfigError, match="NaN in sample 2"):
        explaind.explain_to_store(
            kernel, tmp_path / "e.zarr", TensorDataset(x, Y), together=3, outputs="all"
        )
    with pytest.raises(StoreError, match="does not exist"):
        explaind.open_explanation(tmp_path / "e.zarr")


def test_a_store_that_exists_is_replaced_only_if_told(kernel, tmp_path):
    store = tmp_path / "e.zarr"
    explaind.explain_to_store(kernel, store, X[:2], Y[:2])
    with pytest.raises(StoreError, match="overwrite=True"):
        explaind.explain_to_store(kernel, store, X[:3], Y[:3])
    assert explaind.explain_to_store(kernel, store, X[:3], Y[:3], overwrite=True).sizes["test"] == 3


class Deadly(TensorDataset):
    """A dataset that kills the process that asks for a sample of the third block."""

    def __getitem__(self, i):
        if i == 5:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().__getitem__(i)


def explained_until_killed(history, store):
    kernel = explaind.PathKernel(
        history, PROBLEM.model(), PROBLEM.loss_fn, PROBLEM.train_data(), quadrature=SMOOTH
    )
    explaind.explain_to_store(kernel, store, Deadly(X, Y), together=2)


@pytest.mark.kills
def test_a_kill_leaves_nothing_that_a_later_call_could_take_for_its_own(kernel, tmp_path):
    store, history = tmp_path / "e.zarr", tmp_path / "run.zarr"
    record(PROBLEM, history)
    process = multiprocessing.get_context("spawn").Process(
        target=explained_until_killed, args=(history, store)
    )
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert (tmp_path / ".e.zarr.blocks" / "1.zarr").is_dir()
    with pytest.raises(StoreError):
        explaind.open_explanation(store)
    calls = {
        "going on": {"together": 2, "resume": True},
        "the same": {"together": 2},
        "another": {"together": 3, "outputs": "all"},
    }
    for name, options in calls.items():
        whole = tmp_path / f"{name}.zarr"
        explaind.explain_to_store(kernel, whole, TensorDataset(X, Y), **options)
        again = explaind.explain_to_store(
            kernel, store, TensorDataset(X, Y), overwrite=True, **options
        )
        xr.testing.assert_identical(again.load(), explaind.open_explanation(whole).load())
        assert not [path for path in tmp_path.iterdir() if path.name.startswith(f".{store.name}")]


class Failing(TensorDataset):
    """A dataset of which a sample cannot be read."""

    def __getitem__(self, i):
        if i == 5:
            raise OSError("a network drive went away")
        return super().__getitem__(i)


@pytest.fixture
def interrupted(kernel, tmp_path):
    """A call that ended after two of four blocks."""
    with pytest.raises(OSError, match="went away"):
        explaind.explain_to_store(kernel, tmp_path / "e.zarr", Failing(X, Y), together=2, top=3)
    return tmp_path / "e.zarr"


def test_options_are_kept_as_a_file_can():
    options = {"keep": {"top", "influence"}, "train_samples": np.array([3, 1])}
    unchecked = inspect.unwrap(_said)
    said = {name: unchecked(option) for name, option in options.items()}
    assert said == {"keep": ["influence", "top"], "train_samples": ["3", "1"]}
    assert unchecked(np.int64(3)) == 3
    assert type(unchecked(np.int64(3))) is int


def test_resuming_explains_what_is_missing_only(kernel, interrupted, monkeypatch):
    expected = kernel.explain(X, Y, top=3)
    explained, explain = [], kernel.explain
    monkeypatch.setattr(kernel, "explain", lambda *a, **k: explained.append(a) or explain(*a, **k))
    found = explaind.explain_to_store(kernel, interrupted, X, Y, together=2, resume=True, top=3)
    assert [len(x) for x, _ in explained] == [2, 1]
    xr.testing.assert_allclose(found.load(), expected, rtol=1e-9, atol=1e-12)
    assert "asked" not in found.attrs


@pytest.mark.parametrize(
    ("samples", "options", "said"),
    [
        ((X.flip(0), Y), {"top": 3}, "other samples"),
        ((X, Y), {"top": 4}, "other options"),
        ((X, Y), {"top": 3, "outputs": lambda output, _: output[:, 0]}, "other options"),
    ],
    ids=["samples", "number", "function"],
)
def test_resuming_something_else_is_refused(kernel, interrupted, samples, options, said):
    with pytest.raises(StoreError, match=said):
        explaind.explain_to_store(kernel, interrupted, *samples, together=2, resume=True, **options)


def test_resuming_another_run_or_quadrature_is_refused(kernel, interrupted, tmp_path):
    options = {"together": 2, "resume": True, "top": 3}
    given = PROBLEM.loss_fn, PROBLEM.train_data()
    model = record(PROBLEM, tmp_path / "short.zarr", batches=PROBLEM.batches()[:-1])
    other = explaind.PathKernel(tmp_path / "short.zarr", model, *given, quadrature=SMOOTH)
    with pytest.raises(StoreError, match="other steps, trained"):
        explaind.explain_to_store(other, interrupted, X, Y, **options)
    record(PROBLEM, tmp_path / "same.zarr")
    midpoint = Quadrature(rule="midpoint")
    other = explaind.PathKernel(tmp_path / "same.zarr", model, *given, quadrature=midpoint)
    with pytest.raises(StoreError, match="differ in quadrature_rule"):
        explaind.explain_to_store(other, interrupted, X, Y, **options)


class Stream(IterableDataset):
    def __iter__(self):
        return iter(zip(X, Y, strict=True))


def test_what_cannot_be_counted_or_is_empty_is_refused(kernel, tmp_path):
    store = tmp_path / "e.zarr"
    with pytest.raises(ConfigError, match=r"map-style .*got Stream"):
        explaind.explain_to_store(kernel, store, Stream())
    with pytest.raises(ConfigError, match="at least one sample"):
        explaind.explain_to_store(kernel, store, TensorDataset(X[:0], Y[:0]))
    with pytest.raises(ConfigError, match=r"together: .* got 0"):
        explaind.explain_to_store(kernel, store, X, Y, together=0)


def test_a_stream_is_explained_all_at_once(kernel):
    xr.testing.assert_allclose(kernel.explain(Stream(), keep=()), kernel.explain(X, Y, keep=()))
