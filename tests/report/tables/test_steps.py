"""Tables over training steps."""

import numpy as np
import pytest
import xarray as xr

from explaind.report.tables import outputs
from explaind.report.tables.steps import component_table, part_table
from tests.report.synthetic import COMPONENTS, SyntheticRun, influence_dataset


@pytest.fixture
def influence():
    return influence_dataset(SyntheticRun(), np.random.default_rng(0))


def test_hand_computed_means():
    """Two steps, two samples: opposite signs cancel in the mean, not in the mean size."""
    step = xr.DataArray([[[1.0], [3.0]], [[2.0], [-2.0]]], dims=("step", "test", "output"))
    names = {"true": 1.0, "data": 2.0, "decay": -0.5, "residual": 0.0}
    dataset = xr.Dataset(
        {
            **{f"step_{name}": factor * step for name, factor in names.items()},
            "subintervals": (("step", "test"), np.array([[1, 1], [2, 4]], dtype=np.uint8)),
            "test_target": (("test",), [0, 1]),
        }
    )
    table = part_table(dataset)
    assert list(table["step"]) == [0, 1]
    assert list(table["data"]) == [4.0, 0.0]
    assert list(table["data_absolute"]) == [4.0, 4.0]
    assert list(table["decay"]) == [-1.0, 0.0]
    assert list(table["decay_absolute"]) == [1.0, 1.0]
    assert list(table["subintervals_mean"]) == [1.0, 3.0]
    assert list(table["subintervals_max"]) == [1, 4]


def test_parts_add_up_to_the_true_change(influence):
    table = part_table(influence)
    np.testing.assert_allclose(
        table["true"], table["data"] + table["decay"] + table["residual"], atol=1e-12
    )
    final = (influence["final_output"] - influence["initial_output"]).mean()
    np.testing.assert_allclose(table["true"].sum(), final, rtol=1e-10)


def test_components_add_up_to_the_parts(influence):
    table = component_table(influence)
    sums = table.groupby("step")[["data", "decay"]].sum()
    parts = part_table(influence)
    np.testing.assert_allclose(sums["data"], parts["data"], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(sums["decay"], parts["decay"], rtol=1e-5, atol=1e-6)


def test_component_rows_belong_to_their_component(influence):
    table = component_table(influence)
    assert list(table["component"][: len(COMPONENTS)]) == list(COMPONENTS)
    stored = influence["step_absolute_by_component"]
    row = table[(table["step"] == 3) & (table["component"] == "linear1")]
    expected = stored.sel(component="linear1").isel(step=3, output=0).mean()
    np.testing.assert_allclose(row["absolute"].item(), expected, rtol=1e-6)


def test_no_rows_without_components():
    case = SyntheticRun(keep=("interval",))
    table = component_table(influence_dataset(case, np.random.default_rng(0)))
    assert table.empty
    assert list(table.columns) == ["step", "component", "absolute", "data", "decay"]


def test_result_does_not_depend_on_the_block_size(influence, monkeypatch):
    whole = part_table(influence)
    monkeypatch.setattr(outputs, "BLOCK_BYTES", 1)
    assert part_table(influence).equals(whole)
