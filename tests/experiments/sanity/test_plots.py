"""Plots of the sanity checks."""

import numpy as np

from explaind.experiments.label_noise.tables import (
    auc_means,
    detection_aucs,
    mean_roc_curves,
    resampled_curves,
)
from explaind.experiments.leave_group_out.tables import group_means
from explaind.experiments.sanity.plots import auc_figure, change_figure, roc_figure
from tests.experiments.sanity.measured import SEEDS, noise_table, removal_table


def test_areas_have_intervals_and_a_mark_for_every_seed():
    table = noise_table(samples=60)
    aucs = detection_aucs(table)
    means = auc_means(aucs, resampled_curves(table))
    points, marks = auc_figure(means, aucs).data
    np.testing.assert_allclose(points.y, means["auc"])
    np.testing.assert_allclose(points.y + points.error_y.array, means["high"])
    np.testing.assert_allclose(points.y - points.error_y.arrayminus, means["low"])
    assert len(marks.y) == len(SEEDS) * len(means)


def test_curves_have_bands_and_a_dash_of_their_own():
    table = noise_table(samples=60)
    figure = roc_figure(mean_roc_curves(table, resampled_curves(table)))
    bands, lines = figure.data[::2], figure.data[1::2]
    assert {band.fill for band in bands} == {"toself"}
    assert len({line.line.dash for line in lines}) == len(lines) == 5


def test_changes_lie_about_the_line_of_equality():
    figure = change_figure(group_means(removal_table(noise=0)))
    assert [len(trace.x) for trace in figure.data] == [3, 3, 6]  # the control is not drawn
    for trace in figure.data:
        np.testing.assert_allclose(trace.x, trace.y)
    line = next(shape for shape in figure.layout.shapes if shape.x0 != 0)
    assert (line.x0, line.x1) == (line.y0, line.y1)
    assert line.x0 <= min(min(trace.x) for trace in figure.data)
    assert figure.layout.xaxis.tickvals == figure.layout.yaxis.tickvals


def test_failed_retrainings_are_drawn_apart():
    figure = change_figure(group_means(removal_table(failed=[("top", 0.1), ("random", 0.2)])))
    assert {trace.name: len(trace.x) for trace in figure.data} == {
        "most helpful removed": 2,
        "most harmful removed": 3,
        "random ones removed": 4,
        "retraining failed": 3,
    }
