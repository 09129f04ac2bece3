"""Influences by sign and class, against a loop over pairs of samples."""

import numpy as np
import pytest

from explaind.report.tables import outputs
from explaind.report.tables.cancellation import (
    ALL,
    COLUMNS,
    OTHER,
    SAME,
    by_interval,
    cancellation,
    whole_run,
)
from tests.report.synthetic import SyntheticRun, influence_dataset


def dataset(**case):
    return influence_dataset(SyntheticRun(p=5, intervals=2, **case), np.random.default_rng(0))


def slow_sums(values, influence, group):
    """Samples, raised and lowered sums over the pairs of a group, mean over the explained ones."""
    test, train = influence["test_target"].to_numpy(), influence["train_target"].to_numpy()
    pairs = [
        float(values[q, i])
        for q in range(len(test))
        for i in range(len(train))
        if group == ALL or (test[q] == train[i]) == (group == SAME)
    ]
    raised = sum(value for value in pairs if value > 0)
    lowered = sum(value for value in pairs if value < 0)
    return np.array([len(pairs), raised, lowered]) / len(test)


@pytest.mark.parametrize("block_bytes", [1, 2**20])
def test_equals_slow_loop(monkeypatch, block_bytes):
    monkeypatch.setattr(outputs, "BLOCK_BYTES", block_bytes)
    influence = dataset()
    table = cancellation(influence)
    maps = [influence["influence"], *influence["influence_by_interval"].sum("component")]
    groups = (SAME, OTHER, ALL)
    assert table["classes"].tolist() == [*groups] * 3
    assert table["start"].tolist() == [0, 0, 0, 0, 0, 0, 30, 30, 30]
    assert table["stop"].tolist() == [60, 60, 60, 30, 30, 30, 60, 60, 60]
    expected = [slow_sums(map_.to_numpy()[:, 0], influence, g) for map_ in maps for g in groups]
    np.testing.assert_allclose(table[["samples", "raised", "lowered"]], expected, rtol=1e-5)


def test_net_is_what_the_training_data_did():
    influence = dataset()
    table = whole_run(cancellation(influence))
    np.testing.assert_allclose(table["net"][ALL], influence["data"].mean(), rtol=1e-4)
    np.testing.assert_allclose(table["net"], table["raised"] + table["lowered"])
    np.testing.assert_allclose(table["gross"], table["raised"] - table["lowered"])
    sizes = abs(influence["influence"]).sum("train").mean()
    np.testing.assert_allclose(table["gross"][ALL], sizes, rtol=1e-5)


def test_intervals_add_up_to_the_net_of_the_whole_run():
    table = cancellation(dataset())
    sums = by_interval(table).groupby("classes")["net"].sum()
    np.testing.assert_allclose(sums, whole_run(table)["net"].loc[sums.index], rtol=1e-4)


def test_of_all_outputs_the_own_class_is_taken():
    influence = dataset(all_outputs=True)
    target = influence["test_target"].to_numpy()
    own = influence["influence"].to_numpy()[np.arange(len(target)), target]
    expected = slow_sums(own, influence, OTHER)
    row = whole_run(cancellation(influence)).loc[OTHER, ["samples", "raised", "lowered"]]
    np.testing.assert_allclose(row.to_numpy(dtype=float), expected, rtol=1e-5)


def test_only_what_was_kept_is_told():
    assert by_interval(cancellation(dataset(keep=("influence",)))).empty
    some = dataset().isel(train=slice(1, None))  # which do not add up to what the data did
    for without in (dataset(keep=("interval",)), some):
        nothing = cancellation(without)
        assert nothing.empty
        assert list(nothing.columns) == list(COLUMNS)


def test_targets_that_are_no_classes_are_not_told_apart():
    influence = dataset()
    expected = cancellation(influence).query("classes == @ALL")[[*COLUMNS]].to_numpy()
    numbers = influence.assign(test_target=influence["test_target"] + 0.5)
    for without in (numbers, influence.drop_vars(["test_target", "train_target"])):
        table = cancellation(without)
        assert set(table["classes"]) == {ALL}
        np.testing.assert_array_equal(table.to_numpy(), expected)
        assert len(whole_run(table)) == 1
        assert len(by_interval(table)) == 2


def test_sums_over_groups_of_training_samples_are_not_told_apart():
    influence = dataset().rename(train="group")
    assert list(cancellation(influence).columns) == list(COLUMNS)
    assert cancellation(influence).empty
