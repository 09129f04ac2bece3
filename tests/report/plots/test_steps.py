"""Influence per component, decomposition per step, residual."""

import numpy as np
import pytest

from explaind.report.plots import steps
from explaind.report.plots.theme import OVER_STEPS
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
    ("credit", "column", "title"),
    [
        ("gradient_step", "absolute", "Ψ, sum of |influence| (bit per step)"),
        ("gradient_step", "net", "net influence (bit per step, + = raised)"),
        ("application_step", "data", "training data (bit per step, + = raised)"),
        ("application_step", "decay", "regularisation (bit per step, + = raised)"),
    ],
)
def test_component_figures(credit, column, title):
    case = SyntheticRun(credit=credit)
    table = influence_by_component(influence_dataset(case, np.random.default_rng(0)))
    figure = steps.component_figure(table, column, 5, "bit", PHASES)
    assert [trace.name for trace in figure.data] == list(COMPONENTS)  # not alphabetical
    assert figure.layout.yaxis.title.text == title
    assert figure.layout.xaxis.title.text == f"training step ({credit.replace('_', ' ')})"
    raw = table.loc[table["component"] == "linear2", column].to_numpy()
    drawn = figure.data[COMPONENTS.index("linear2")]
    np.testing.assert_allclose(drawn.customdata, raw, rtol=1e-6)
    np.testing.assert_allclose(drawn.y, moving_average(raw, 5), rtol=1e-5)


def test_every_figure_over_parts_of_a_step_names_the_step_of_the_motion(influence):
    table = decomposition_by_step(influence)
    for figure in (
        steps.decomposition_figure(table, 3, "1", PHASES),
        steps.cumulative_figure(table, "1", PHASES),
        steps.cumulative_residual_figure(table, "1", PHASES),
        steps.residual_figure(table, "1", PHASES),
    ):
        assert figure.layout.xaxis.title.text == "training step (application step)"
        assert figure.layout.meta == OVER_STEPS
        assert "nat" not in figure.layout.yaxis.title.text


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
    assert len({trace.line.dash for trace in figure.data}) == len(ends)  # seen without colours
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
