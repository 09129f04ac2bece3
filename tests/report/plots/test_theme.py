"""Shared look."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from explaind.report.plots.theme import (
    BLACK,
    COMPONENTS,
    DASHES,
    DATA,
    DECAY,
    DIVERGING,
    RESIDUAL,
    TRAIN,
    VALIDATION,
    component_styles,
    new_figure,
    show_bulk,
    thin,
    use_log_axis,
)
from tests.report.plots.colour_vision import VISION, distance

TOLD_APART = 15.0  # of CIE L*a*b*; 2 is seen side by side
DRAWN_TOGETHER = {
    "components": COMPONENTS,
    "components and what is left": (*COMPONENTS, RESIDUAL),
    "splits": (TRAIN, VALIDATION, BLACK),
    "parts": (DATA, DECAY, RESIDUAL, BLACK),
    "heat map": [colour for _, colour in DIVERGING],
}


@pytest.mark.parametrize("rows", [1, 99, 100, 101, 1234])
def test_thin_keeps_the_ends_and_the_limit(rows):
    table = pd.DataFrame({"step": np.arange(rows)})
    kept = thin(table, limit=100)["step"]
    assert kept.iloc[0] == 0
    assert kept.iloc[-1] == rows - 1
    assert len(kept) <= 101
    assert kept.is_monotonic_increasing
    assert rows > 100 or len(kept) == rows


def test_every_component_has_its_own_style():
    names = [f"component {i}" for i in range(3 * len(COMPONENTS))]
    styles = component_styles(names)
    assert len({tuple(style.items()) for style in styles.values()}) == len(names)
    assert component_styles(names[:4]) == {name: styles[name] for name in names[:4]}


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize("colours", DRAWN_TOGETHER.values(), ids=DRAWN_TOGETHER)
def test_colours_are_told_apart_by_everyone(colours, vision):
    near = {pair: distance(*pair, vision) for pair in combinations(dict.fromkeys(colours), 2)}
    assert {pair: far for pair, far in near.items() if far < TOLD_APART} == {}


def test_the_colours_that_were_there_before_would_be_refused():
    assert distance("#6cc5b0", "#ff8ab7", "deuteranopia") < TOLD_APART / 3  # teal and pink
    assert distance("#6cc5b0", "#ff8ab7", "ordinary") > TOLD_APART


def test_neighbours_differ_in_their_dashes_too():
    dashes = [style["dash"] for style in component_styles("abcdefgh").values()]
    assert dashes == [*DASHES, *DASHES]


def figure_of(values):
    figure = new_figure()
    figure.add_scatter(y=np.asarray(values))
    return figure


def test_a_few_huge_values_do_not_flatten_the_rest():
    values = np.concatenate([[500.0, 200.0], np.linspace(-1, 2, 200)])
    figure = figure_of(values)
    show_bulk(figure)
    low, high = figure.layout.yaxis.range
    assert -3 < low < -1
    assert 2 < high < 4
    np.testing.assert_array_equal(figure.data[0].y, values)


@pytest.mark.parametrize(
    "values", [np.linspace(-1, 2, 200), np.zeros(9), np.full(3, np.nan), np.append(np.zeros(99), 1)]
)
def test_ordinary_values_keep_the_automatic_range(values):
    figure = figure_of(values)
    show_bulk(figure)
    assert figure.layout.yaxis.range is None


def test_one_line_of_large_values_is_no_outlier():
    """However many other lines there are."""
    figure = figure_of(np.linspace(-50, 50, 100))
    for _ in range(60):
        figure.add_scatter(y=np.linspace(-1, 1, 100))
    show_bulk(figure)
    assert figure.layout.yaxis.range is None


def test_logarithmic_ticks_need_several_powers_of_ten():
    """Between 2.4 and 2.7 there is no power of ten: the ticks are left to plotly."""
    narrow, wide = figure_of([2.4, 2.7, np.nan]), figure_of([1e-6, 0.0, 2.7])
    for figure in (narrow, wide):
        use_log_axis(figure)
        assert figure.layout.yaxis.type == "log"
    assert narrow.layout.yaxis.tickvals is None
    ticks = dict(zip(wide.layout.yaxis.tickvals, wide.layout.yaxis.ticktext, strict=True))
    assert ticks[0.01] == "0.01"
    assert ticks[1e-6] == "10⁻⁶"
