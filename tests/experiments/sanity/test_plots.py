"""Plots of the sanity checks."""

import numpy as np

from explaind.experiments.label_noise.tables import auc_means, detection_aucs
from explaind.experiments.leave_group_out.tables import group_means
from explaind.experiments.sanity.plots import auc_figure, change_figure
from tests.experiments.sanity.measured import SEEDS, noise_table, removal_table


def test_bars_have_intervals_and_a_mark_for_every_seed():
    aucs = detection_aucs(noise_table())
    means = auc_means(aucs)
    bars, marks = auc_figure(means, aucs).data
    np.testing.assert_allclose(bars.y, means["auc"])
    np.testing.assert_allclose(bars.error_y.array, means["margin"])
    assert len(marks.y) == len(SEEDS) * len(means)


def test_changes_lie_about_the_line_of_equality():
    figure = change_figure(group_means(removal_table(noise=0)))
    assert [len(trace.x) for trace in figure.data] == [2, 2, 4]  # the control is not drawn
    for trace in figure.data:
        np.testing.assert_allclose(trace.x, trace.y)
    line = next(shape for shape in figure.layout.shapes if shape.x0 != 0)
    assert (line.x0, line.x1) == (line.y0, line.y1)
    assert line.x0 <= min(min(trace.x) for trace in figure.data)
