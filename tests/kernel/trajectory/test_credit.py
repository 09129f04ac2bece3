"""Intervals by application step: influence where momentum moved the parameters."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from torch.optim import SGD, AdamW
from torch.optim.lr_scheduler import OneCycleLR

from explaind.kernel.trajectory import adjoint
from explaind.kernel.trajectory.intervals import FORGOTTEN
from tests.kernel.engine import explain, record, record_and_explain
from tests.kernel.trajectory.test_adjoint import (
    assert_equal,
    everything_at_once,
    one_group,
)
from tests.oracles.dense_midpoint import gauss_legendre_nodes
from tests.oracles.forward_path_kernel import explain as oracle_of
from tests.oracles.problems import Problem

CASES = ("sgd_l2", "momentum", "dampening", "nesterov", "adam_l2", "adamw")
DIMS = ("test", "output", "train")
APPLICATION = {"credit": "application_step", "keep": ["interval", "influence", "absolute"]}
PROBLEMS = [
    *(everything_at_once(row, seed=120 + i) for i, row in enumerate(CASES)),
    Problem(
        "momentum_schedule",
        one_group("momentum"),
        scheduler=lambda optimizer: OneCycleLR(optimizer, max_lr=0.5, total_steps=10),
        seed=140,
    ),
]


@pytest.mark.parametrize("intervals", [2, 9])
@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.name)
def test_bins_equal_the_forward_recursion(problem, intervals, tmp_path):
    """Down to intervals of one step, in which every later step has a tail."""
    found = record_and_explain(problem, tmp_path, intervals=intervals, **APPLICATION)
    path = problem.path()
    oracle = oracle_of(path, problem.functional, *problem.test_data(), gauss_legendre_nodes(3))
    bounds = [*found.interval_start.values, problem.steps]
    bins = [oracle.influence_applied[start:stop].sum(0) for start, stop in pairwise(bounds)]
    by_interval = found.influence_by_interval.sel(component=list(path.tensors))
    assert_equal(by_interval.transpose("interval", *DIMS, "component"), torch.stack(bins), "bins")
    assert_equal(found.influence.transpose(*DIMS), oracle.influence.sum(-1), "total")
    absolute = found.step_absolute_by_component.sel(component=list(path.tensors))
    expected = oracle.influence_at.abs().sum(-2)
    assert_equal(absolute.transpose("step", "test", "output", "component"), expected, "absolute")


LONG = Problem(
    "long",
    lambda model: SGD(model.parameters(), lr=0.05, momentum=0.2, weight_decay=0.01),
    steps=48,
    seed=141,
)


def test_sums_of_data_and_of_bins_agree_per_interval(tmp_path):
    """In application bins, all samples together are the data part of the steps of the interval."""
    found = record_and_explain(LONG, tmp_path, intervals=4, **APPLICATION)
    by_interval = found.influence_by_interval.sum(("component", "train"))
    bounds = [*found.interval_start.values, LONG.steps]
    for k, (start, stop) in enumerate(pairwise(bounds)):
        data = found.step_data.isel(step=slice(start, stop)).sum("step")
        np.testing.assert_allclose(by_interval[k], data, rtol=1e-9)


def test_tails_are_given_up_when_they_have_died_out(tmp_path, monkeypatch):
    """0.2^k falls below 1e-12 after 18 steps: with intervals of 6 steps at most three tails."""
    parts = []
    real = adjoint.MomentumAdjoint.step

    def watched(self, *arguments):
        psi = real(self, *arguments)
        parts.append(len(self.parts))
        return psi

    monkeypatch.setattr(adjoint.MomentumAdjoint, "step", watched)
    found = record_and_explain(LONG, tmp_path, intervals=8, **APPLICATION)
    assert max(parts) == 4
    assert FORGOTTEN[torch.float64] == 1e-12
    store = tmp_path / "long.zarr"
    exact = explain(LONG, store, LONG.model(), intervals=8, keep=["influence"])
    np.testing.assert_allclose(found.influence, exact.influence, rtol=1e-11, atol=1e-15)
    np.testing.assert_allclose(
        found.influence_by_interval.sum(("interval", "component")), exact.influence, rtol=1e-9
    )


def test_a_tail_that_is_given_up_is_not_lost(tmp_path, monkeypatch):
    """With a coarse tolerance bins are coarse; the total stays exact."""
    monkeypatch.setitem(FORGOTTEN, torch.float64, 0.1)
    found = record_and_explain(LONG, tmp_path, intervals=8, **APPLICATION)
    monkeypatch.undo()
    exact = explain(LONG, tmp_path / "long.zarr", LONG.model(), intervals=8, **APPLICATION)
    np.testing.assert_allclose(found.influence, exact.influence, rtol=1e-9, atol=1e-14)
    off = np.abs(found.influence_by_interval - exact.influence_by_interval).max()
    assert 1e-9 < off / np.abs(exact.influence_by_interval).max() < 0.1


def test_without_momentum_both_credits_are_the_same(tmp_path):
    problem = Problem("sgd", lambda model: SGD(model.parameters(), lr=0.3, weight_decay=0.1))
    store = tmp_path / "run.zarr"
    model = record(problem, store)
    at, applied = (
        explain(problem, store, model, intervals=3, credit=credit)
        for credit in ("gradient_step", "application_step")
    )
    np.testing.assert_array_equal(at.influence_by_interval, applied.influence_by_interval)
    assert (at.attrs["credit"], applied.attrs["credit"]) == ("gradient_step", "application_step")


def test_with_momentum_they_differ_but_the_totals_agree(tmp_path):
    problem = Problem("adamw", lambda model: AdamW(model.parameters(), lr=0.05))
    store = tmp_path / "run.zarr"
    model = record(problem, store)
    at, applied = (
        explain(problem, store, model, intervals=3, credit=credit)
        for credit in ("gradient_step", "application_step")
    )
    assert np.abs(at.influence_by_interval - applied.influence_by_interval).max() > 0.1 * float(
        np.abs(at.influence_by_interval).max()
    )
    np.testing.assert_allclose(at.influence, applied.influence, rtol=1e-9, atol=1e-14)
