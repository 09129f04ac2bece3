"""Means and comparisons of the pruning experiment, on tables made by hand."""

import itertools

import pandas as pd
import pytest
from scipy import stats

from explaind.experiments.pruning.tables import (
    layer_means,
    pruning_comparison,
    pruning_means,
)

LEVELS = {
    "influence": 0.5,
    "influence per step": 0.4,
    "magnitude": 0.6,
    "Taylor": 0.5,
    "random": 0.1,
}
NOISE = {1: -0.01, 2: 0.0, 3: 0.01}


def row(seed, method, keep, level, grid="coarse"):
    numbers = {"accuracy": level, "agreement": level - 0.05, "kl": 1 - level}
    case = {"seed": seed, "tested": 20, "method": method, "scope": "global"}
    case |= {"grid": grid, "keep": keep}
    return {**case, **numbers, "kept": keep + 0.01, "zeros_a": 1 - keep, "zeros_b": keep / 2}


@pytest.fixture
def table():
    """Every method has its level; all have the same noise by seed, Taylor a noise of its own."""
    rows = [row(seed, "none", 1.0, 1.0, grid="none") for seed in NOISE]
    for seed, method, keep in itertools.product(NOISE, LEVELS, (0.3, 0.1)):
        noise = NOISE[seed] * (-5 if method == "Taylor" else 1)
        rows.append(row(seed, method, keep, LEVELS[method] + keep + noise))
    return pd.DataFrame(rows)


def test_means_and_their_intervals(table):
    means = pruning_means(table).set_index(["method", "keep"])
    assert len(means) == len(LEVELS) * 2
    found = means.loc[("random", 0.1)]
    assert found["accuracy"] == pytest.approx(0.2)
    assert found["tests"] == 60
    expected = stats.binomtest(12, 60).proportion_ci(method="wilson")
    ends = (found["accuracy_low"], found["accuracy_high"])
    assert ends == pytest.approx((expected.low, expected.high))
    assert (found["kl_low"], found["kl"], found["kl_high"]) == pytest.approx((0.79, 0.8, 0.81))
    assert found["kept"] == pytest.approx(0.11)


def test_means_are_in_the_order_of_the_shares(table):
    again = table.assign(grid=table["grid"].replace("coarse", "fine"))
    means = pruning_means(pd.concat([table, again]))
    for _, rows in means.groupby(["grid", "method"]):
        assert rows["keep"].is_monotonic_increasing


def test_layers(table):
    layers = layer_means(table).set_index(["method", "tensor", "keep"])
    assert layers.loc[("random", "a", 0.3), "zeros"] == pytest.approx(0.7)
    assert layers.loc[("random", "b", 0.3), "zeros"] == pytest.approx(0.15)


def test_range_of_the_zeros_over_the_seeds(table):
    changed = table.assign(zeros_a=table["zeros_a"] + table["seed"].map(NOISE))
    found = layer_means(changed).set_index(["method", "tensor", "keep"]).loc[("random", "a", 0.3)]
    assert found[["low", "zeros", "high"]].tolist() == pytest.approx([0.69, 0.7, 0.71])


def test_comparison_is_paired_by_seed(table):
    """Common noise cancels: 0.5 and 0.6 differ exactly. Taylor's own noise does not."""
    found = pruning_comparison(table).set_index(["method", "baseline", "metric"])
    assert len(found) == 2 * 3 * 3
    magnitude = found.loc[("influence", "magnitude", "accuracy")]
    assert magnitude["difference"] == pytest.approx(-0.1)
    assert magnitude["margin"] == pytest.approx(0, abs=1e-12)
    assert magnitude["mean"] == pytest.approx(0.7)
    assert magnitude["verdict"] == "worse"
    assert found.loc[("influence", "magnitude", "kl"), "verdict"] == "worse"
    assert found.loc[("influence", "random", "kl"), "verdict"] == "better"
    taylor = found.loc[("influence", "Taylor", "accuracy")]
    assert taylor["margin"] == pytest.approx(4.30265 * 0.06 / 3**0.5, rel=1e-5)
    assert taylor["verdict"] == "no significant difference"
