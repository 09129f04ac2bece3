"""Plots of the pruned networks."""

import numpy as np

from explaind.experiments.pruning.plots import AXES, CASES, metric_figure, zeros_figure
from explaind.experiments.pruning.tables import layer_means, pruning_means
from tests.experiments.pruning.measured import LEVELS, experiment_table


def drawn(figure, **chosen):
    """Lines of a figure that are shown for some chosen values, by name; without their bands."""
    return {t.name: t for t in figure.data if t.meta == chosen and t.fill is None}


def test_every_case_has_all_methods_with_bands_and_the_unpruned_network():
    table = experiment_table()
    means, unpruned = pruning_means(table), table[table["method"] == "none"]
    figure = metric_figure(means, unpruned)
    lines = drawn(figure, metric="kl", scope="layer", grid="fine")
    assert list(lines) == [*LEVELS, "unpruned network"]
    own = means[(means["grid"] == "fine") & (means["scope"] == "layer")]
    own = own[own["method"] == "random"]
    np.testing.assert_allclose(lines["random"].x, [0.012, 0.032])
    np.testing.assert_allclose(lines["random"].y, own["kl"], rtol=1e-6)
    ends = own[["kl_low", "kl_high"]]
    np.testing.assert_allclose(lines["random"].customdata, ends, rtol=1e-6)
    np.testing.assert_allclose(lines["unpruned network"].y, [unpruned["kl"].mean()] * 2)
    assert len({line.line.dash for line in list(lines.values())[:-1]}) == len(LEVELS)


def test_one_case_is_shown_at_first_and_the_axis_follows_the_metric():
    table = experiment_table()
    figure = metric_figure(pruning_means(table), table[table["method"] == "none"])
    first = {choice.name: choice.first for choice in CASES}
    assert all(trace.visible == (trace.meta == first) for trace in figure.data)
    assert figure.layout.yaxis.title.text == AXES["accuracy"]
    titles = figure.layout.meta["metric"]
    assert {m: t["yaxis.title.text"] for m, t in titles.items()} == AXES


def test_zeros_have_a_line_per_tensor_and_a_choice_of_the_method():
    layers = layer_means(experiment_table())
    rows = layers[(layers["scope"] == "global") & (layers["grid"] == "coarse")]
    figure = zeros_figure(rows)
    lines = drawn(figure, method="random")
    assert list(lines) == ["first", "<b>"]
    np.testing.assert_allclose(lines["first"].y, [0.9, 0.7], rtol=1e-6)
    assert {t.meta["method"] for t in figure.data if t.visible} == {"influence"}
