"""Lines with bands."""

import numpy as np

from explaind.report.plots.bands import add_banded_line
from explaind.report.plots.theme import new_figure


def test_band_runs_around_the_interval_and_hides_with_its_line():
    figure = new_figure()
    x, y = np.array([1.0, 2.0]), np.array([5.0, 6.0])
    add_banded_line(figure, x, y, (y - 1, y + 2), "a", {"color": "#0000ff", "dash": "dot"}, meta={})
    band, line = figure.data
    assert list(zip(band.x, band.y, strict=True)) == [(1, 7), (2, 8), (2, 5), (1, 4)]
    assert band.fillcolor == "rgba(0,0,255,0.15)"
    assert band.legendgroup == line.legendgroup == "a"
    assert not band.showlegend
    np.testing.assert_array_equal(line.customdata, [[4, 7], [5, 8]])
    assert (line.line.dash, band.meta, line.meta) == ("dot", {}, {})
