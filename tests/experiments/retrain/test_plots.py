"""Plots of the retraining."""

import numpy as np

from explaind.experiments.retrain.plots import curve_choices, curve_figure, steps_figure
from explaind.experiments.retrain.tables import mean_curves, steps_by_case, steps_of_trainings
from explaind.report.tables.phases import Phases
from tests.experiments.retrain.measured import TAKEN, retrain_table

TRAININGS = steps_of_trainings(retrain_table(), 1.0)


def drawn(phases=Phases()):  # noqa: B008 - frozen
    return steps_figure(steps_by_case(TRAININGS), TRAININGS, phases, last_step=100)


def test_every_training_is_a_mark_and_open_if_it_did_not_get_there():
    figure = drawn()
    marks = {trace.name: trace for trace in figure.data if trace.mode == "markers"}
    assert list(marks) == [TAKEN, "c"]
    assert list(marks[TAKEN].y) == [40, 40, 30, 10, 20, 15]
    assert list(marks[TAKEN].marker.symbol) == ["triangle-up-open"] * 2 + ["circle"] * 4
    assert list(marks["c"].customdata) == ["more than ", "", "more than "]


def test_lines_go_through_the_medians_that_are_known():
    figure = drawn()
    lines = {trace.name: trace for trace in figure.data if trace.mode == "lines"}
    np.testing.assert_array_equal(lines[TAKEN].y, [np.nan, 15])
    np.testing.assert_allclose(lines[TAKEN].x, [50, 100], atol=2)


def test_networks_without_a_transplant_are_lines_over_the_whole_width():
    figure = drawn()
    assert [shape.y0 for shape in figure.layout.shapes] == [40] * 3
    assert figure.layout.annotations[0].text == "nothing transplanted: more than 40"


def test_phases_of_the_run_are_bands():
    bands = [shape for shape in drawn(Phases(30, 80)).layout.shapes if shape.type == "rect"]
    assert [(band.x0, band.x1) for band in bands] == [(0, 30), (30, 80), (80, 100)]


def test_curves_of_the_last_source_are_shown_at_first_beside_nothing():
    curves = mean_curves(retrain_table())
    source, split = curve_choices(curves)
    assert list(source.options) == ["100", "50"]
    figure = curve_figure(curves)
    lines = [trace for trace in figure.data if trace.visible and trace.fill is None]
    assert [line.name for line in lines] == [TAKEN, "c", "nothing"]
    assert {line.meta["split"] for line in lines} == {split.first}
    np.testing.assert_allclose(lines[0].y[[0, 10]], [0, (1 + 0.5 + 10 / 15) / 3], rtol=1e-6)
