"""Correlations of pretext tasks, on planted importances."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from explaind.experiments.task_correlations import correlation_array, correlations, summary


@pytest.fixture
def importance():
    return np.random.default_rng(0).gamma(1.0, size=(3, 6, 20))


def test_correlations_are_those_of_scipy(importance):
    found = correlations(importance)
    flat = importance.reshape(3, -1)
    for rank, (pooled, oracle) in enumerate(((0, stats.pearsonr), (0, stats.spearmanr))):
        assert found[pooled, rank, 0, 2] == pytest.approx(oracle(flat[0], flat[2])[0])
        single = [oracle(importance[0, k], importance[2, k])[0] for k in range(6)]
        assert found[1, rank, 0, 2] == pytest.approx(np.mean(single))


def test_replicates_are_summed_up_by_students_t():
    drawn = [0.2, 0.5, 0.8]
    values = [[np.full((2, 2, 2, 2), value)] for value in drawn]
    array = correlation_array(values).assign_coords(case=["c"], task=["a", "b"], other=["a", "b"])
    table = summary(array)
    assert len(table) == 4  # pooled or not, Pearson or Spearman; one pair
    row = table.iloc[0]
    low, high = stats.t.interval(0.95, 2, loc=0.5, scale=stats.sem(drawn))
    assert (row["mean"], row["low"], row["high"]) == pytest.approx((0.5, low, high))
    assert row["std"] == pytest.approx(np.std(drawn))
    assert (row["task"], row["other"], row["repetitions"]) == ("a", "b", 3)


def test_one_training_has_no_interval():
    array = correlation_array([[np.ones((2, 2, 2, 2))]])
    table = summary(array.assign_coords(case=["c"], task=["a", "b"], other=["a", "b"]))
    assert table[["low", "high"]].isna().all(axis=None)
    assert pd.api.types.is_float_dtype(table["mean"])
