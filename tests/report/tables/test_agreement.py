"""Reformulated against true outputs."""

import numpy as np
import pytest
import xarray as xr

from explaind.report.tables.agreement import (
    decomposition_by_sample,
    output_table,
    sizes_by_step,
    subsample,
)
from tests.report.synthetic import SyntheticRun, influence_dataset, validation_dataset


@pytest.fixture
def influence():
    return influence_dataset(SyntheticRun(), np.random.default_rng(0))


def test_output_table_by_hand():
    validation = xr.Dataset(
        {
            "true": (("test", "class"), [[-1.0, -2.0], [-3.0, -4.0]]),
            "reformulated": (("test", "class"), [[-1.5, -2.0], [-3.0, -3.0]]),
            "target": (("test",), [0, 1]),
        }
    )
    table = output_table(validation)
    assert table["sample"].tolist() == [0, 0, 1, 1]
    assert table["class"].tolist() == [0, 1, 0, 1]
    assert table["is_target"].tolist() == [True, False, False, True]
    assert table["error"].tolist() == [0.5, 0.0, 0.0, -1.0]


def test_the_terms_of_a_sample_stand_in_its_row(influence):
    row = decomposition_by_sample(influence).iloc[2]
    sample = influence.isel(test=2, output=0)
    for name in ("data", "decay", "residual", "rounding"):
        assert row[name] == float(sample[name])
    assert row["initial"] == float(sample["initial_output"])
    assert row["final"] == float(sample["final_output"])
    total = row[["initial", "data", "decay", "residual"]].sum()
    assert total == pytest.approx(row["final"], abs=1e-12)
    assert row["rounding"] == pytest.approx(row["residual"] - float(sample["step_residual"].sum()))


def test_residual_share_by_hand(influence):
    """|residual| 1 + 2 over |change| 10 + 20, although the signed sums differ."""
    signs = np.array([1.0, -1.0])[:, None, None]
    ones = np.ones((2, influence.sizes["test"], 1))
    steps = influence.isel(step=slice(0, 2)).assign(
        step_residual=(("step", "test", "output"), signs * ones * [[[1.0]], [[2.0]]]),
        step_true=(("step", "test", "output"), ones * [[[10.0]], [[20.0]]]),
    )
    np.testing.assert_allclose(decomposition_by_sample(steps)["residual_share"], 0.1)
    still = steps.assign(step_true=0 * steps["step_true"])
    assert decomposition_by_sample(still)["residual_share"].isna().all()


def test_validation_steps_keep_their_columns(influence):
    validation = validation_dataset(SyntheticRun(), influence, np.random.default_rng(1))
    table = sizes_by_step(validation)
    np.testing.assert_array_equal(table["true"], validation["step_change_mean_abs"])
    np.testing.assert_array_equal(table["residual"], validation["step_residual_mean_abs"])


def test_subsample_is_seeded_and_ordered(influence):
    table = decomposition_by_sample(influence)
    few = subsample(table, 4, seed=1)
    assert len(few) == 4
    assert few.index.is_monotonic_increasing
    assert few.equals(subsample(table, 4, seed=1))
    assert not few.equals(subsample(table, 4, seed=2))
    assert subsample(table, len(table)) is table
