"""Plots of the pruned networks."""

import numpy as np

from explaind.experiments.pruning.plots import metric_figure, zeros_figure
from explaind.experiments.pruning.tables import layer_means, pruning_means
from tests.experiments.pruning.measured import LEVELS, experiment_table


def test_lines_have_error_bars_both_ways_over_the_realised_share():
    means = pruning_means(experiment_table())
    rows = means[(means["grid"] == "fine") & (means["scope"] == "layer")]
    figure = metric_figure(rows, "kl", 0.0)
    assert [trace.name for trace in figure.data] == list(LEVELS)
    random = figure.data[-1]
    own = rows[rows["method"] == "random"]
    np.testing.assert_allclose(random.x, [0.012, 0.032])
    np.testing.assert_allclose(random.error_x.array, own["kept_margin"], rtol=1e-6)
    np.testing.assert_allclose(random.y, own["kl"], rtol=1e-6)
    np.testing.assert_allclose(random.error_y.array, own["kl_margin"], rtol=1e-6)


def test_zeros_have_a_line_per_tensor():
    layers = layer_means(experiment_table())
    rows = layers[
        (layers["method"] == "random")
        & (layers["scope"] == "global")
        & (layers["grid"] == "coarse")
    ]
    figure = zeros_figure(rows)
    assert [trace.name for trace in figure.data] == ["first", "<b>"]
    np.testing.assert_allclose(figure.data[0].y, [0.9, 0.7], rtol=1e-6)
