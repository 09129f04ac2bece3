"""Correlations of predicted and actual changes by hand."""

import numpy as np
import pandas as pd
import pytest

from explaind.experiments.leave_group_out.tables import (
    group_correlations,
    group_means,
    has_learned,
)
from explaind.report.tables.power import correlation_power


def table_of(changes):
    """A table with the (predicted, actual) changes of every target, by group and draw."""
    rows = [
        {"group": group, "share": 0.1, "draw": draw, "removed": 3, "target": target}
        | {"before": 1.0, "predicted": predicted, "actual": actual}
        | {"train_accuracy": 0.9, "validation_accuracy": 0.8, "majority": 0.5}
        for (group, draw), targets in changes.items()
        for target, (predicted, actual) in enumerate(targets)
    ]
    return pd.DataFrame(rows)


CHANGES = {
    ("none", 0): [(0.0, 50.0), (0.0, 50.0)],
    ("top", 0): [(-4.0, -1.0), (-2.0, -2.0)],
    ("bottom", 0): [(4.0, 3.0), (2.0, 0.0)],
    ("random", 0): [(1.0, 0.0), (0.0, 1.0)],
    ("random", 1): [(0.0, 0.5), (1.0, -0.5)],
}


def test_means_over_the_targets():
    means = group_means(table_of(CHANGES)).set_index(["group", "draw"])
    assert means.loc[("top", 0), ["predicted", "actual", "removed"]].tolist() == [-3, -1.5, 3]
    assert len(means) == 5


def test_correlations_leave_out_the_control():
    found = group_correlations(table_of(CHANGES)).set_index("groups").loc["all groups"]
    predicted, actual = np.array([-3, 3, 0.5, 0.5]), np.array([-1.5, 1.5, 0.5, 0.0])
    assert found["number"] == 4
    assert found["power"] == correlation_power(0.8, 4)
    assert found["pearson"] == pytest.approx(np.corrcoef(predicted, actual)[0, 1])
    assert found["slope"] == pytest.approx((4.5 + 4.5 + 0.25) / 18.5)
    z, width = np.arctanh(found["pearson"]), 1.959964  # Fisher: deviation 1 / sqrt(n - 3) = 1
    assert (found["low"], found["high"]) == pytest.approx((np.tanh(z - width), np.tanh(z + width)))
    # ranks of target 0: (1, 4, 3, 2) and (1, 4, 2, 3); of target 1: (1, 4, 2, 3) and (1, 3, 4, 2)
    by_target = [1 - 6 * 2 / 60, 1 - 6 * 6 / 60]
    assert found["target_spearman"] == pytest.approx(np.mean(by_target))
    assert found["target_margin"] == pytest.approx(12.7062 * np.ptp(by_target) / 2, rel=1e-4)


def test_too_few_or_equal_changes_have_no_correlation():
    found = group_correlations(table_of(CHANGES)).set_index("groups").loc["random groups"]
    assert found[["pearson", "low", "high", "spearman", "target_spearman"]].isna().all()
    assert found["slope"] == pytest.approx(0.25 / 0.5)


def test_failed_retrainings_are_left_out():
    table = table_of({**CHANGES, ("random", 2): [(9.0, -9.0), (8.0, -9.0)]})
    kept = group_correlations(table_of(CHANGES))
    failed = (table["group"] == "random") & (table["draw"] == 2)
    told = table.assign(train_accuracy=table["train_accuracy"].mask(failed, 0.6))
    pd.testing.assert_frame_equal(group_correlations(told), kept)
    assert group_means(told)["learned"].tolist() == [True] * 5 + [False]


def test_half_of_what_the_whole_training_gained_is_not_enough():
    """The network with all samples gained 0.4 over the most frequent class."""
    table = pd.DataFrame(
        {
            "group": ["none", "top", "random", "bottom"],
            "train_accuracy": [0.9, 0.75, 0.71, 0.6],
            "majority": [0.5, 0.5, 0.5, 0.625],
        }
    )
    assert has_learned(table).tolist() == [True, True, True, False]
    assert has_learned(table.assign(train_accuracy=0.7)).tolist() == [True, True, True, False]
    assert not has_learned(table.assign(train_accuracy=table["majority"])).any()
