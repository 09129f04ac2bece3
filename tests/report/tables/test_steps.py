"""Tables over training steps."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from explaind.report.tables import outputs
from explaind.report.tables.steps import (
    KEPT_AS,
    decomposition_by_step,
    influence_by_component,
    moving_average,
)
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
        },
        attrs={"functional": "target_logprob"},
    )
    table = decomposition_by_step(dataset)
    assert list(table["step"]) == [0, 1]
    assert list(table["data"]) == [4.0, 0.0]
    assert list(table["data_absolute"]) == [4.0, 4.0]
    assert list(table["decay"]) == [-1.0, 0.0]
    assert list(table["decay_absolute"]) == [1.0, 1.0]
    assert list(table["subintervals_mean"]) == [1.0, 3.0]
    assert list(table["subintervals_max"]) == [1, 4]


def test_terms_add_up_to_the_true_change(influence):
    table = decomposition_by_step(influence)
    np.testing.assert_allclose(
        table["true"], table["data"] + table["decay"] + table["residual"], atol=1e-12
    )
    final = (influence["final_output"] - influence["initial_output"]).mean()
    np.testing.assert_allclose(table["true"].sum(), final, rtol=1e-10)


def test_components_add_up_to_the_terms():
    case = SyntheticRun(credit="application_step")
    influence = influence_dataset(case, np.random.default_rng(0))
    sums = influence_by_component(influence).groupby("step")[["data", "decay"]].sum()
    terms = decomposition_by_step(influence)
    np.testing.assert_allclose(sums["data"], terms["data"], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(sums["decay"], terms["decay"], rtol=1e-5, atol=1e-6)


def test_component_rows_belong_to_their_component(influence):
    table = influence_by_component(influence)
    assert list(table["component"][: len(COMPONENTS)]) == list(COMPONENTS)
    stored = influence["step_absolute_by_component"]
    row = table[(table["step"] == 3) & (table["component"] == "linear1")]
    expected = stored.sel(component="linear1").isel(step=3, output=0).mean()
    np.testing.assert_allclose(row["absolute"].item(), expected, rtol=1e-6)


def test_net_and_absolute_are_of_the_same_step(influence):
    table = influence_by_component(influence)
    assert list(table.columns) == ["step", "component", "absolute", "net"]
    assert (table["absolute"] >= table["net"].abs()).all()
    stored = influence["step_net_by_component"].isel(output=0).mean("test")
    np.testing.assert_allclose(table["net"], stored.to_numpy().reshape(-1), rtol=1e-5)


def test_sizes_of_parts_are_means_of_absolute_values(influence):
    table = influence_by_component(influence, "application_step")
    for part in ("data", "decay"):
        stored = abs(influence[f"step_{part}_by_component"].isel(output=0)).mean("test")
        sizes = table[f"{part}_absolute"]
        np.testing.assert_allclose(sizes, stored.to_numpy().reshape(-1), rtol=1e-5)
        assert (sizes >= table[part].abs() - 1e-9).all()


@pytest.mark.parametrize(
    ("credit", "columns"),
    [
        ("gradient_step", ["absolute", "net"]),
        (
            "application_step",
            ["data", "decay", "data_absolute", "decay_absolute"],
        ),
    ],
)
def test_no_rows_without_components(credit, columns):
    keep = tuple({"absolute", "step_component"} - {KEPT_AS[credit]})
    case = SyntheticRun(keep=keep, credit=credit)
    table = influence_by_component(influence_dataset(case, np.random.default_rng(0)))
    assert table.empty
    assert list(table.columns) == ["step", "component", *columns]


def test_result_does_not_depend_on_the_block_size(influence, monkeypatch):
    whole = decomposition_by_step(influence)
    monkeypatch.setattr(outputs, "BLOCK_BYTES", 1)
    assert decomposition_by_step(influence).equals(whole)


def test_moving_average_by_hand():
    smooth = moving_average(np.array([0.0, 3.0, 6.0, 0.0, 30.0]), 3)
    np.testing.assert_allclose(smooth, [0.0, 3.0, 3.0, 12.0, 30.0])


@given(st.integers(1, 40), st.integers(1, 25))
def test_straight_line_is_not_shifted(steps, window):
    line = 2.0 * np.arange(steps) - 5.0
    np.testing.assert_allclose(moving_average(line, window), line, atol=1e-12)


@pytest.mark.parametrize("window", [1, 2, 5, 8, 101])
def test_moving_average_equals_slow_loop_over_raw_values(window):
    values = np.random.default_rng(0).standard_normal((30, 2))
    values[[4, 5, 17], 0] = np.nan
    expected = np.full_like(values, np.nan)
    for s in range(30):
        half = min(window // 2, s, 29 - s)
        for column in range(2):
            inside = values[s - half : s + half + 1, column]
            known = inside[~np.isnan(inside)]
            expected[s, column] = known.mean() if len(known) else np.nan
    np.testing.assert_allclose(moving_average(values, window), expected)


def test_refuses_empty_window():
    with pytest.raises(ValueError, match="window must be at least 1"):
        moving_average(np.ones(3), 0)
