"""Influence by class."""

import numpy as np
import pytest
import xarray as xr

from explaind.errors import StoreError
from explaind.report.tables import outputs
from explaind.report.tables.classes import (
    ALL_COMPONENTS,
    class_map_table,
    class_maps,
    class_means,
    difference_profile,
)
from tests.report.synthetic import COMPONENTS, SyntheticRun, influence_dataset


@pytest.fixture
def influence():
    return influence_dataset(SyntheticRun(p=5, intervals=2), np.random.default_rng(0))


def slow_class_means(influence, classes):
    """Mean over the pairs of samples of two classes, pair by pair."""
    values = influence["influence"].to_numpy()[:, 0].astype(np.float64)
    test, train = influence["test_target"].to_numpy(), influence["train_target"].to_numpy()
    means = np.full((classes, classes), np.nan)
    for row in range(classes):
        for column in range(classes):
            pairs = [
                values[q, i]
                for q in range(len(test))
                for i in range(len(train))
                if test[q] == row and train[i] == column
            ]
            if pairs:
                means[row, column] = sum(pairs) / len(pairs)
    return means


@pytest.mark.parametrize("block_bytes", [1, 2**20])
def test_equals_slow_loop(influence, monkeypatch, block_bytes):
    monkeypatch.setattr(outputs, "BLOCK_BYTES", block_bytes)
    expected = slow_class_means(influence, 6)  # class 5 has no sample
    assert np.isnan(expected[5]).all()
    np.testing.assert_allclose(class_means(influence["influence"], influence, 6), expected)


def test_does_not_depend_on_the_order_of_samples(influence):
    train = np.random.default_rng(1).permutation(influence.sizes["train"])
    test = np.random.default_rng(2).permutation(influence.sizes["test"])
    shuffled = influence.isel(train=train, test=test)
    np.testing.assert_allclose(class_maps(shuffled, 5), class_maps(influence, 5), rtol=1e-12)


def test_intervals_and_components_add_up_to_the_whole(influence):
    maps = class_maps(influence, 5)
    assert list(maps["component"].to_numpy()) == [ALL_COMPONENTS, *COMPONENTS]
    assert maps["start"].to_numpy().tolist() == [0, 0, 30]
    assert maps["stop"].to_numpy().tolist() == [60, 30, 60]
    np.testing.assert_allclose(maps[1:].sum("interval", skipna=False), maps[0], atol=1e-6)
    np.testing.assert_allclose(maps[:, 1:].sum("component", skipna=False), maps[:, 0], atol=1e-6)
    np.testing.assert_allclose(maps[0, 0], slow_class_means(influence, 5))


@pytest.mark.parametrize(
    ("keep", "shape"), [((), (1, 1)), (("component",), (1, 7)), (("interval",), (3, 1))]
)
def test_keeps_only_what_the_run_kept(keep, shape):
    case = SyntheticRun(p=5, intervals=2, keep=("influence", *keep))
    maps = class_maps(influence_dataset(case, np.random.default_rng(0)), 5)
    assert maps.shape == (*shape, 5, 5)


def test_names_the_key_of_influence_that_was_not_kept():
    case = SyntheticRun(p=5, keep=("component", "interval"))
    with pytest.raises(StoreError, match="`influence`"):
        class_maps(influence_dataset(case, np.random.default_rng(0)), 5)


def test_picks_the_output_of_the_own_class():
    influence = influence_dataset(SyntheticRun(p=5, all_outputs=True), np.random.default_rng(0))
    target = influence["test_target"].to_numpy()
    own = influence["influence"].to_numpy()[np.arange(len(target)), target]
    single = influence.isel(output=[0]).assign(
        influence=(("test", "output", "train"), own[:, None])
    )
    np.testing.assert_allclose(class_maps(influence, 5)[0, 0], slow_class_means(single, 5))


def test_difference_profile_by_hand():
    """Rows are validation classes; the first diagonal to the right is difference 1."""
    maps = xr.DataArray(
        [[1.0, 10.0, 100.0], [200.0, 2.0, 20.0], [30.0, np.nan, 3.0]],
        dims=("validation_class", "training_class"),
    )
    np.testing.assert_allclose(difference_profile(maps), [2.0, 20.0, 150.0])


def test_table_has_one_row_per_map_entry(influence):
    maps = class_maps(influence, 5)
    table = class_map_table(maps)
    row = table[
        (table["start"] == 30)
        & (table["component"] == "decoder")
        & (table["validation_class"] == 2)
        & (table["training_class"] == 4)
    ]
    assert len(table) == maps.size
    assert row["mean_influence"].item() == maps[2, -1, 2, 4]
