"""Influence per component, decomposition per step, residual."""

import numpy as np
import pytest

from explaind.report.plots import steps
from explaind.report.tables.phases import Phases
from explaind.report.tables.steps import (
    decomposition_by_step,
    influence_by_component,
    moving_average,
)
from tests.report.synthetic import COMPONENTS, SyntheticRun, influence_dataset

PHASES = Phases(12, None)


@pytest.fixture
def influence():
    return influence_dataset(SyntheticRun(), np.random.default_rng(0))


@pytest.mark.parametrize(
    ("draw", "column", "sign"),
    [
        (steps.absolute_influence_figure, "absolute", "sum of |influence|"),
        (steps.net_influence_figure, "data", "+ = raised"),
    ],
)
def test_component_figures(influence, draw, column, sign):
    table = influence_by_component(influence)
    figure = draw(table, 5, "bit", PHASES)
    assert [trace.name for trace in figure.data] == list(COMPONENTS)
    assert "(bit per step" in figure.layout.yaxis.title.text
    assert sign in figure.layout.yaxis.title.text
    raw = table.loc[table["component"] == "linear2", column].to_numpy()
    drawn = figure.data[COMPONENTS.index("linear2")]
    np.testing.assert_allclose(drawn.customdata, raw, rtol=1e-6)
    np.testing.assert_allclose(drawn.y, moving_average(raw, 5), rtol=1e-5)


def test_components_keep_the_order_of_the_store(influence):
    """Colours are given by order, so it must not become alphabetical."""
    figure = steps.net_influence_figure(influence_by_component(influence), 1, "nat", PHASES)
    assert [trace.name for trace in figure.data] != sorted(COMPONENTS)


def test_terms_are_smoothed_and_keep_the_raw_numbers(influence):
    table = decomposition_by_step(influence)
    figure = steps.decomposition_figure(table, 7, "nat", PHASES)
    assert [trace.name for trace in figure.data] == [
        "training data",
        "regularisation",
        "true change",
    ]
    decay = table["decay"].to_numpy()
    np.testing.assert_allclose(figure.data[1].y, moving_average(decay, 7), rtol=1e-5)
    np.testing.assert_allclose(figure.data[1].customdata, decay, rtol=1e-6)


def test_cumulative_terms_end_at_the_totals(influence):
    figure = steps.cumulative_figure(decomposition_by_step(influence), "nat", PHASES)
    ends = {trace.name: trace.y[-1] for trace in figure.data}
    for name, term in (("training data", "data"), ("regularisation", "decay")):
        np.testing.assert_allclose(ends[name], influence[term].mean(), rtol=1e-5)
    change = (influence["final_output"] - influence["initial_output"]).mean()
    np.testing.assert_allclose(ends["true change"], change, rtol=1e-5)


def test_residual_is_drawn_beside_the_change(influence):
    table = decomposition_by_step(influence)
    figure = steps.residual_figure(table, "nat", PHASES)
    assert [trace.name for trace in figure.data] == ["true change", "residual"]
    np.testing.assert_allclose(figure.data[1].y, table["residual_absolute"], rtol=1e-6)
    assert figure.layout.yaxis.type == "log"


def test_zeros_are_gaps_on_a_logarithmic_axis(influence):
    table = decomposition_by_step(influence).assign(residual_absolute=0.0)
    figure = steps.residual_figure(table, "nat", PHASES)
    assert np.isnan(figure.data[1].y).all()


def test_subintervals(influence):
    table = decomposition_by_step(influence)
    figure = steps.subinterval_figure(table, PHASES)
    np.testing.assert_array_equal(figure.data[0].y, table["subintervals_max"])
    assert figure.layout.yaxis.title.text == "subintervals per step"
