"""The page on frequencies."""

import re

import numpy as np
import pandas as pd
import pytest

from explaind.experiments.drawing import draw_page
from explaind.experiments.spectrum.plots import share_figure, training_figure
from explaind.report.choices import Choice
from explaind.report.tables.phases import Phases
from tests.experiments.similarity.made import project

CHOICE = (Choice("component", "Component", {"e": "e", "d": "d"}),)


def rows(source, component, interval, key, functional=""):
    """The waves of one matrix with one key frequency."""
    frequency = np.arange(1, 6)
    share = np.where(frequency == key, 0.84, 0.04)
    case = {"source": source, "component": component, "functional": functional}
    step = 10 * interval
    return pd.DataFrame(
        {"frequency": frequency, "share": share, "cosine": share, "sine": 0.0, "explained": 0.5}
        | {"lasso_cosine": np.where(frequency == key, 0.3, 0), "lasso_sine": 0.0, **case}
        | {"interval": interval, "start": step, "stop": step}
    )


SPECTRUM = pd.concat(
    [
        *(rows("weights", name, k, key) for k in range(3) for name, key in (("e", 2), ("d", 4))),
        *(
            rows("similarity", "e", k, 3, f)
            for k in range(2)
            for f in ("output_sum", "target_logprob")
        ),
        rows("influence", "e", 0, 5),
    ],
    ignore_index=True,
)


@pytest.fixture(scope="module")
def html(tmp_path_factory):
    config, paths = project(tmp_path_factory.mktemp("project"))
    SPECTRUM.to_parquet(paths.experiment("grokking", "spectrum"))
    draw_page(config, paths, "spectrum")
    return paths.figure("spectrum").read_text()


def test_every_source_has_its_panel(html):
    assert re.findall(r'<div id="([\w-]+)" class="plotly', html) == [
        "weights-shares",
        "weights-training",
        "similarity-shares",
        "similarity-training",
        "influence-shares",  # without intervals there is nothing over training
    ]
    assert "Key frequencies of e</dt><dd>2</dd>" in html
    assert "<td>similarity, log-probability of the correct class</td>" in html


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
    assert [shape.layer for shape in figure.layout.shapes] == ["above"]
