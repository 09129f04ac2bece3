"""Shared look."""

import numpy as np
import pandas as pd
import pytest

from explaind.report.plots.theme import (
    COMPONENTS,
    component_styles,
    new_figure,
    show_bulk,
    thin,
    use_log_axis,
)


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
