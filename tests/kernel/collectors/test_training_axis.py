"""Influence summed by group while it is accumulated: the sum over the samples, nothing else."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from explaind.errors import ConfigError
from tests.kernel.engine import explain, record
from tests.kernel.trajectory.test_adjoint import everything_at_once
from tests.oracles.dense_midpoint import gauss_legendre_nodes
from tests.oracles.forward_path_kernel import explain as oracle_of

LABELS = ["cat", "dog", "ant"] * 4
NAMES = ["ant", "cat", "dog"]


@pytest.fixture(scope="module")
def problem():
    return everything_at_once("adam_l2", seed=7)


@pytest.fixture(scope="module")
def recorded(problem, tmp_path_factory):
    store = tmp_path_factory.mktemp("history") / "run.zarr"
    model = record(problem, store)
    return lambda **options: explain(problem, store, model, **{"intervals": 3} | options)


@pytest.fixture(scope="module")
def grouped(recorded):
    return recorded(groups=LABELS, keep=["influence", "component", "interval", "top"], top=3)


def test_groups_equal_the_forward_recursion_summed_by_group(problem, grouped):
    """By component and interval; unequal batches, clipping, L2 through momentum."""
    oracle = oracle_of(
        problem.path(), problem.functional, *problem.test_data(), gauss_legendre_nodes(3)
    )
    members = torch.tensor([[label == name for label in LABELS] for name in NAMES]).double()
    by_step = torch.einsum("sqoip,gi->spqog", oracle.influence_at, members)
    bounds = [*grouped.interval_start.values, problem.steps]
    expected = torch.stack([by_step[start:stop].sum(0) for start, stop in pairwise(bounds)])
    assert grouped["group"].values.tolist() == NAMES
    for name, sums in (
        ("influence_by_interval", expected),
        ("influence_by_component", expected.sum(0)),
        ("influence", expected.sum((0, 1))),
    ):
        assert grouped[name].dims[-1] == "group"
        np.testing.assert_allclose(grouped[name], sums, rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(grouped["influence"].sum("group"), grouped["data"], rtol=1e-10)


@pytest.mark.parametrize("credit", ["gradient_step", "application_step"])
def test_groups_equal_the_sums_over_samples(credit, recorded):
    single = recorded(credit=credit)
    found = recorded(credit=credit, groups=[NAMES.index(label) for label in LABELS])
    assert found["group"].values.tolist() == ["0", "1", "2"]
    for name in ("influence", "influence_by_component", "influence_by_interval"):
        members = single.train_index.copy(data=LABELS)
        summed = single[name].groupby(members).sum()
        np.testing.assert_allclose(found[name], summed, rtol=1e-9, atol=1e-12)


def test_the_strongest_are_still_samples(recorded, grouped):
    assert "train" not in grouped.dims
    assert "train_index" not in grouped
    np.testing.assert_array_equal(
        grouped["helpful_index"], recorded(keep=["top"], top=3)["helpful_index"]
    )


def test_segments_add_up(recorded, grouped):
    parts = [recorded(groups=LABELS, keep=["influence"], segment=(k, 2)) for k in range(2)]
    np.testing.assert_allclose(
        sum(part["influence"] for part in parts), grouped["influence"], rtol=1e-6
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"groups": LABELS[1:]}, r"groups: expected 12 labels, .* shape \(11,\)"),
        ({"groups": LABELS, "train_samples": [1]}, "groups: expected none beside train_samples"),
    ],
)
def test_a_mistake_is_named(options, message, recorded):
    with pytest.raises(ConfigError, match=message):
        recorded(**options)
