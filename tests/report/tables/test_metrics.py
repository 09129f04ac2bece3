"""What the table of metrics says of itself."""

import numpy as np
import pandas as pd

from explaind.report.tables.metrics import (
    by_split,
    component_norms,
    has_accuracy,
    unit_of_metric,
    uses_mini_batches,
)
from tests.report.synthetic import COMPONENTS, SyntheticRun, metrics


def table(**case):
    return metrics(SyntheticRun(**case), np.random.default_rng(0))


def test_accuracy_is_that_of_both_splits():
    assert has_accuracy(table())
    for column in ("train_accuracy", "validation_accuracy"):
        assert not has_accuracy(table().drop(columns=column))


def test_units_and_batches_are_kept_by_a_file(tmp_path):
    table(mini_batches=True).to_parquet(tmp_path / "metrics.parquet")
    found = pd.read_parquet(tmp_path / "metrics.parquet")
    assert uses_mini_batches(found)
    assert unit_of_metric(found, "loss") == "nat"
    assert not uses_mini_batches(table())


def test_training_values_are_named_after_what_they_are_of():
    found = by_split(table(), "accuracy")
    assert list(found) == ["training", "validation"]
    pd.testing.assert_series_equal(found["training"], table()["train_accuracy"])
    of_batches = by_split(table(mini_batches=True), "accuracy")
    assert list(of_batches) == ["training (batch)", "validation"]
    assert of_batches["training (batch)"].isna().tolist() == [False] * 60 + [True]


def test_norms_are_those_of_components_alone():
    assert list(component_norms(table()).columns) == list(COMPONENTS)
