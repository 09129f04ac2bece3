"""Lines over the steps for every choice, and the balance."""

from dataclasses import replace

import numpy as np
import pytest

from explaind.experiments.drawing import sources_of
from explaind.experiments.influence_over_training.plots import (
    difference_figure,
    functional_choice,
    quantity_choice,
    ratio_figure,
    smoothing_choice,
    steps_figure,
)
from explaind.experiments.influence_over_training.tables import read
from explaind.paths import Paths
from explaind.report.tables.phases import Phases
from explaind.report.tables.steps import moving_average
from tests.report.plots.bands import bands
from tests.report.synthetic import COMPONENTS, SyntheticRun, write_pages

NAME = "influence_over_training"


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    return tables_of(tmp_path_factory.mktemp("project"))


def tables_of(root, **case):
    config = write_pages(Paths(root), SyntheticRun(p=5, **case), [NAME])
    return read(sources_of(config, Paths(root), NAME), config.experiments[NAME])


def test_there_is_a_line_for_every_quantity_window_and_component(tables):
    choices = (quantity_choice(tables.steps), smoothing_choice((1, 5)))
    figure = steps_figure(tables, choices)
    assert len(figure.data) == 6 * 2 * len(COMPONENTS)
    assert sum(bool(trace.visible) for trace in figure.data) == len(COMPONENTS)
    for trace in figure.data:
        rows = tables.steps[tables.steps["component"] == trace.name]
        raw = rows[trace.meta["quantity"]].to_numpy()
        expected = moving_average(raw, int(trace.meta["smoothing"]))
        np.testing.assert_allclose(trace.y, expected, rtol=1e-5, atol=1e-6)


def test_titles_follow_the_quantity(tables):
    choices = (quantity_choice(tables.steps), smoothing_choice((1, 25)))
    figure = steps_figure(tables, choices)
    assert figure.layout.xaxis.title.text == "training step (gradient step)"
    assert figure.layout.yaxis.title.text == "Ψ, sum of |influence| (nat per step)"
    other = figure.layout.meta["quantity"]["decay_absolute"]
    assert other["xaxis.title.text"] == "training step (application step)"
    assert other["yaxis.title.text"] == "|regularisation| (nat per step)"
    assert "yaxis.range" in other or other["yaxis.autorange"]


@pytest.mark.parametrize(
    ("windows", "first"), [((1, 5, 25, 101), "25"), ((1, 25), "1"), ((5,), "5")]
)
def test_the_longest_window_but_one_comes_first(windows, first):
    choice = smoothing_choice(windows)
    assert choice.first == first
    assert set(choice.options) == {str(window) for window in windows}


def test_only_what_was_kept_can_be_chosen(tmp_path):
    tables = tables_of(tmp_path, keep=("influence", "absolute"))
    assert list(quantity_choice(tables.steps).options) == ["absolute", "net"]


@pytest.mark.parametrize("draw", [steps_figure, ratio_figure, difference_figure])
def test_the_phases_are_bands_behind_the_lines(tables, draw):
    choices = (quantity_choice(tables.steps), smoothing_choice((1,)))
    asked = choices if draw is steps_figure else functional_choice()
    figure = draw(replace(tables, phases=Phases(20, 50)), asked)
    assert bands(figure) == [(0, 20), (20, 50), (50, tables.last_step)]


@pytest.mark.parametrize(
    ("draw", "measure"), [(ratio_figure, "ratio"), (difference_figure, "difference")]
)
def test_balance_is_drawn_in_the_middle_of_its_interval(tables, draw, measure):
    figure = draw(tables, functional_choice())
    assert len(figure.data) == 2 * len(COMPONENTS)
    assert sum(bool(trace.visible) for trace in figure.data) == len(COMPONENTS)
    trace = figure.data[-1]
    rows = tables.balance[
        (tables.balance["component"] == trace.name)
        & (tables.balance["functional"] == trace.meta["functional"])
    ]
    np.testing.assert_allclose(trace.x, (rows["start"] + rows["stop"] - 1) / 2)
    np.testing.assert_allclose(trace.y, rows[measure], rtol=1e-6)
    assert (figure.layout.yaxis.type == "log") == (measure == "ratio")
