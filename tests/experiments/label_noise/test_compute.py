"""The experiment with flipped labels: the samples it ranks, and the table of the rule."""

import numpy as np
import pandas as pd
import pytest

from explaind.config.load import load_config
from explaind.data.load import load_dataset
from explaind.errors import ConfigError
from explaind.experiments.job import compute_experiment
from explaind.experiments.label_noise.compute import ranked_samples
from explaind.paths import Paths


def test_ranked_samples_hold_flipped_ones_in_proportion():
    flipped = np.arange(200) < 20
    chosen = ranked_samples(flipped, 50, 3)
    assert len(set(chosen)) == 50
    assert flipped[chosen].sum() == 5
    np.testing.assert_array_equal(chosen, ranked_samples(flipped, 50, 3))
    assert set(chosen) != set(ranked_samples(flipped, 50, 4))
    np.testing.assert_array_equal(ranked_samples(flipped, None, 3), np.arange(200))


def test_table_of_the_rule(tiny_run):
    paths = Paths(tiny_run)
    table = pd.read_parquet(paths.experiment("grokking", "label_noise"))
    labels = load_dataset(load_config(paths.config()), paths, "modulo").y_train.numpy()
    assert table["seed"].unique().tolist() == [1, 2]
    for _, found in table.groupby("seed"):
        assert len(set(found["sample"])) == 20
        np.testing.assert_array_equal(found["true_label"], labels[found["sample"]])
        np.testing.assert_array_equal(found["flipped"], found["label"] != found["true_label"])
        assert found["flipped"].sum() == 2  # 6 of all 53
    assert table["self_influence"].mean() > 0
    assert table.notna().all(axis=None)
    assert not list(paths.experiment("grokking", "x").parent.glob(".*"))  # no trainings are left


def test_more_samples_than_there_are_cannot_be_ranked(tiny_run):
    paths = Paths(tiny_run)
    config = load_config(paths.config(), {"experiments": {"label_noise": {"ranked": 53}}})
    with pytest.raises(ConfigError, match=r"label_noise.ranked: expected less than 53"):
        compute_experiment(config, paths, "label_noise")
