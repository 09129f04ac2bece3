"""Plots of the page on frequencies."""

import numpy as np

from explaind.experiments.spectrum.plots import share_figure, training_figure
from explaind.report.choices import Choice
from explaind.report.tables.phases import Phases
from tests.experiments.spectrum.made import SPECTRUM

CHOICE = (Choice("component", "Component", {"e": "e", "d": "d"}),)


def test_bars_and_dots_are_the_shares_of_the_trained_network():
    weights = SPECTRUM[SPECTRUM["source"] == "weights"]
    figure = share_figure(weights, CHOICE)
    bars, dots = (trace for trace in figure.data if trace.visible)
    np.testing.assert_array_equal(bars.x, [1, 2, 3, 4, 5])
    np.testing.assert_allclose(bars.y, [0.04, 0.84, 0.04, 0.04, 0.04], rtol=1e-6)
    np.testing.assert_allclose(dots.y, [0, 1, 0, 0, 0])
    assert [symbol == "circle" for symbol in dots.marker.symbol] == [False, True] + 3 * [False]


def test_cells_over_training_are_at_their_steps_and_frequencies():
    weights = SPECTRUM[SPECTRUM["source"] == "weights"]
    figure = training_figure(weights, CHOICE, Phases(memorisation=12), "")
    (cells,) = (trace for trace in figure.data if trace.visible)
    np.testing.assert_array_equal(cells.x, [10, 20])
    np.testing.assert_array_equal(cells.y, [1, 2, 3, 4, 5])
    assert cells.z.shape == (5, 2)
    np.testing.assert_allclose(cells.z[1], [0.84, 0.84], rtol=1e-6)
    layers = {(shape.type, shape.layer) for shape in figure.layout.shapes}
    assert ("line", "above") in layers
    assert ("rect", "above") not in layers
