"""The experiment without groups of samples: targets, predictions, and the table of the rule."""

import numpy as np
import pandas as pd
import pytest

from explaind.config.load import load_config
from explaind.errors import ConfigError
from explaind.experiments.leave_group_out.compute import (
    Outcome,
    Targets,
    explained_targets,
    group_table,
    target_indices,
)
from explaind.experiments.leave_group_out.groups import Group
from explaind.experiments.leave_group_out.settings import LeaveGroupOutSettings
from explaind.paths import Paths
from explaind.pipeline.load_kernel import load_kernel


def test_targets_are_seeded_and_there_must_be_enough():
    first, again, other = (
        target_indices(50, LeaveGroupOutSettings(run="a", targets=20, seed=seed), "x")
        for seed in (1, 1, 2)
    )
    assert len(set(first)) == 20
    np.testing.assert_array_equal(first, again)
    assert set(first) != set(other)
    with pytest.raises(ConfigError, match=r"experiments.x.targets: expected at most 19"):
        target_indices(19, LeaveGroupOutSettings(run="a", targets=20), "x")


def test_prediction_is_minus_the_influence_of_the_group():
    influence = np.array([[0.5, -2.0, 1.0], [1.0, 4.0, 0.25]])
    targets = Targets(np.array([3, 8]), np.array([-1.0, -2.0]), influence)
    group = Group("top", 0.5, 0, np.array([2, 0]))
    found = group_table(group, targets, Outcome(np.array([-3.0, -1.5]), 0.9, 0.8, 0.5))
    assert found["predicted"].tolist() == [-1.5, -1.25]
    assert found["actual"].tolist() == [-2.0, 0.5]
    assert found["target"].tolist() == [3, 8]
    assert found["removed"].tolist() == [2, 2]
    accuracies = found[["train_accuracy", "validation_accuracy", "majority"]]
    assert accuracies.to_numpy().tolist() == [[0.9, 0.8, 0.5]] * 2


def test_table_of_the_rule(tiny_run):
    paths = Paths(tiny_run)
    config = load_config(paths.config())
    table = pd.read_parquet(paths.experiment("grokking", "leave_group_out"))
    control = table[table["group"] == "none"]
    assert (control["predicted"] == 0).all()
    np.testing.assert_allclose(control["actual"], 0, atol=1e-5)  # the run itself, again
    last = pd.read_parquet(paths.metrics("grokking")).iloc[-1]
    for name in ("train_accuracy", "validation_accuracy"):
        np.testing.assert_allclose(control[name], last[name])
    removed = table[table["group"] != "none"]
    assert removed.groupby(["group", "draw"]).size().to_dict() == {
        ("top", 0): 4,
        ("bottom", 0): 4,
        ("random", 0): 4,
        ("random", 1): 4,
    }
    assert (removed["removed"] == 6).all()  # a tenth of 53, rounded up
    assert (removed["actual"].abs() > 1e-3).any()
    sums = removed.groupby(["group", "draw"])["predicted"].mean()
    assert sums["top", 0] < sums["random"].min() <= sums["random"].max() < sums["bottom", 0]
    opened = load_kernel(config, paths, "grokking")
    rows = table["target"].unique()
    whole, parts = (explained_targets(opened.kernel, opened.data, rows, block) for block in (64, 3))
    np.testing.assert_allclose(parts.influence, whole.influence, atol=1e-5)
    lowest = np.sort(whole.influence.mean(0))[:6].sum()
    assert sums["bottom", 0] == pytest.approx(-lowest, abs=1e-5)
