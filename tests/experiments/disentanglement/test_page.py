"""The page on units, of planted models."""

import re

from explaind.experiments.disentanglement.page import draw
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
