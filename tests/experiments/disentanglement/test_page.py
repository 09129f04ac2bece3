"""The page on units, of planted models."""

import re

import pandas as pd
import pytest

from explaind.experiments.disentanglement.page import _over_beta, draw
from explaind.experiments.disentanglement.settings import DisentanglementSettings
from explaind.experiments.disentanglement.tables import read
from tests.experiments.disentanglement import planted
from tests.experiments.disentanglement.test_tables import FALLING, STEADY
from tests.experiments.small_encoders import Results, html_of


def test_page_shows_both_metrics_collapsed_units_and_maps():
    store = planted.store(FALLING, STEADY, collapsed=2)
    settings = DisentanglementSettings(encoders=("small", "large"))
    html = html_of(draw, read(Results(disentanglement=store), settings), "disentanglement")
    plots = re.findall(r'<div id="([\w-]+)" class="plotly', html)
    assert plots == ["pearson-all", "pearson-active", "units"]
    assert "2 of 18" in html
    assert html.count("<img") == 2 * 2 * (1 + 3)  # a sheet for each encoder


@pytest.mark.parametrize(
    ("losses", "places"),
    [(["beta-VAE"], [[0, 1]]), (["beta-VAE", "TC-VAE"], [[-0.1, 0.9], [0.1, 1.1]])],
)
def test_points_stand_over_their_beta_side_by_side(losses, places):
    rows = [{"loss": loss, "beta": beta, "kl": 1.0} for loss in losses for beta in (0.01, 0.1)]
    figure = _over_beta(pd.DataFrame(rows), "kl", "nat", ".3g")
    assert [list(trace.x) for trace in figure.data] == [pytest.approx(own) for own in places]
    assert list(figure.layout.xaxis.tickvals) == [0, 1]
