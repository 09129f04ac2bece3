"""Figures of influences that cancel."""

import numpy as np
import pytest

from explaind.report.panels import CLASSES
from explaind.report.plots.cancellation import cancellation_figure, interval_figure
from explaind.report.tables.cancellation import ALL, OTHER, SAME, cancellation, whole_run
from explaind.report.tables.phases import Phases
from tests.report.synthetic import SyntheticRun, influence_dataset


@pytest.fixture
def table():
    return cancellation(influence_dataset(SyntheticRun(), np.random.default_rng(0)))


def test_bars_are_what_raised_and_lowered_and_the_net_is_named(table):
    figure = cancellation_figure(table, CLASSES, "bit")
    raised, lowered, net = figure.data
    rows = whole_run(table)
    np.testing.assert_allclose(raised.x, rows["raised"])
    np.testing.assert_allclose(lowered.x, rows["lowered"])
    np.testing.assert_allclose(net.x, rows["net"])
    assert [text.partition("<br>")[0] for text in net.y] == [*CLASSES.values()]
    assert figure.layout.xaxis.title.text == "influence (bit, + = raised)"


def test_intervals_lie_at_their_steps_and_add_up(table):
    figure = interval_figure(table, CLASSES, "bit", "application_step", Phases(20, None))
    same, other, every = figure.data
    assert list(same.x) == [9.5, 29.5, 49.5]  # of 20 steps each
    np.testing.assert_allclose(same.y + other.y, every.y)
    for classes, trace in ((SAME, same), (OTHER, other)):
        rows = table[table["classes"] == classes].iloc[1:]
        np.testing.assert_allclose(trace.y, rows["net"])
        np.testing.assert_allclose(trace.customdata, rows["gross"])
    assert every.name == CLASSES[ALL]
    assert figure.layout.xaxis.title.text == "training step (application step)"
    assert len(figure.layout.annotations) == 1
