"""Maps and bars of languages show the numbers that they are given."""

import numpy as np
import pandas as pd

from explaind.experiments.language_influence.plots import language_map, parts_figure, shares_figure

NAMES = ["Dansk", "Svenska", "a language with a very long name", "another one with a long name"]


def test_a_map_has_the_languages_trained_on_as_columns():
    values = np.arange(16.0).reshape(4, 4) - 5
    figure = language_map(values, NAMES, "influence", "nat")
    [heat] = figure.data
    np.testing.assert_array_equal(heat.z, values)  # rows: explained
    assert tuple(heat.x) == tuple(heat.y)
    assert (len(heat.x), heat.x[0], heat.zmin) == (4, "Dansk", -heat.zmax)


def test_shares_are_drawn_in_the_middle_of_their_interval():
    rows = [(0, 10, "mlp", 0.4), (10, 20, "mlp", 0.1), (0, 10, "attention", 0.6)]
    shares = pd.DataFrame(rows, columns=["start", "stop", "component", "share"])
    figure = shares_figure(shares)
    assert [trace.name for trace in figure.data] == ["mlp", "attention"]
    assert list(figure.data[0].x) == [4.5, 14.5]
    np.testing.assert_allclose(figure.data[0].y, [0.4, 0.1], rtol=1e-6)


def test_parts_are_bars_beside_each_other():
    parts = pd.DataFrame({"language": NAMES[:2], "data": [3, -1], "decay": 0.5, "residual": 0.25})
    figure = parts_figure(parts, "nat")
    bars = {trace.name: list(trace.x) for trace in figure.data}
    assert bars["training data"] == [3, -1]
    assert bars["regularisation"] == [0.5, 0.5]
    assert list(bars) == ["training data", "regularisation", "residual"]
    assert figure.layout.barmode == "relative"
