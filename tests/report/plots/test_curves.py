"""Curves of the training metrics."""

import numpy as np
import pytest

from explaind.report.plots import curves
from explaind.report.tables.phases import find_phases
from tests.report.synthetic import COMPONENTS, SyntheticRun, metrics


@pytest.fixture
def table():
    return metrics(SyntheticRun(steps=400), np.random.default_rng(0))


@pytest.mark.parametrize(
    ("draw", "traces", "unit"),
    [
        (curves.loss_figure, ["training", "validation"], "nat per sample"),
        (curves.accuracy_figure, ["training", "validation"], "fraction of samples"),
        (curves.norm_figure, ["all parameters"], "L2 norm"),
        (curves.component_norm_figure, list(COMPONENTS), "L2 norm"),
        (curves.learning_rate_figure, ["learning rate"], "learning rate"),
        (curves.weight_decay_figure, ["weight decay"], "coefficient"),
    ],
)
def test_traces_and_units(table, draw, traces, unit):
    figure = draw(table, find_phases(table))
    assert [trace.name for trace in figure.data] == traces
    assert figure.layout.xaxis.title.text == "training step"
    assert unit in figure.layout.yaxis.title.text


def test_draws_the_numbers_of_the_table(table):
    figure = curves.loss_figure(table, find_phases(table))
    np.testing.assert_array_equal(figure.data[0].x, table["step"])
    np.testing.assert_allclose(figure.data[1].y, table["validation_loss"], rtol=1e-6)
    assert figure.layout.yaxis.type == "log"


def test_lines_are_told_apart_without_colours(table):
    figure = curves.accuracy_figure(table, find_phases(table))
    assert len({trace.line.dash for trace in figure.data}) == len(figure.data)


def test_the_curve_of_mini_batches_says_so():
    """Its last point would be that of all training samples."""
    table = metrics(SyntheticRun(mini_batches=True), np.random.default_rng(0))
    table.attrs["units"]["loss"] = "m2"
    figure = curves.loss_figure(table, find_phases(table))
    assert [trace.name for trace in figure.data] == ["training (batch)", "validation"]
    assert figure.layout.yaxis.title.text == "mean loss (m2 per sample, log scale)"
    np.testing.assert_allclose(figure.data[0].y[:-1], table["train_loss"][:-1], rtol=1e-6)
    assert np.isnan(figure.data[0].y[-1])


def test_marks_the_steps_that_were_reached(table):
    phases = find_phases(table)
    figure = curves.accuracy_figure(table, phases)
    lines = [shape.x0 for shape in figure.layout.shapes if shape.type == "line"]
    assert lines == [phases.memorisation, phases.generalisation]


def test_accuracy_is_drawn_where_it_was_measured(table):
    assert [plot.id for plot in curves.learning_plots(table)] == ["loss", "accuracy"]
    for column in ("train_accuracy", "validation_accuracy"):
        (loss,) = curves.learning_plots(table.drop(columns=column))
        assert loss.id == "loss"
        assert not loss.figure.layout.shapes  # no phases either
