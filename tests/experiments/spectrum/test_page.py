"""The page on frequencies."""

import re
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from explaind.experiments.drawing import draw_page, sources_of
from explaind.experiments.spectrum.page import draw
from explaind.experiments.spectrum.tables import read
from explaind.report.page import About
from explaind.store import open_sealed
from tests.experiments.similarity.made import project
from tests.experiments.spectrum.made import SPECTRUM, rows


@pytest.fixture(scope="module")
def html(tmp_path_factory):
    config, paths = project(tmp_path_factory.mktemp("project"))
    SPECTRUM.to_parquet(paths.experiment("grokking", "spectrum"))
    draw_page(config, paths, "spectrum")
    return paths.figure("spectrum").read_text()


def test_the_step_that_is_credited_is_on_the_axis(tmp_path):
    config, paths = project(tmp_path, validation=2, train=2)
    intervals = pd.concat([SPECTRUM, rows("influence", "e", 1, 5), rows("influence", "e", 2, 5)])
    intervals.to_parquet(paths.experiment("grokking", "spectrum"))
    tables = read(sources_of(config, paths, "spectrum"), config.experiments["spectrum"])
    assert tables.credit == open_sealed(paths.influence("grokking")).attrs["credit"]
    about = About("spectrum", "", "grokking", dict.fromkeys(tables.files(), Path("t.csv")))
    for credit in ("gradient_step", "application_step"):
        page = draw(replace(tables, credit=credit), about)
        plots = [plot for panel in page.panels for plot in panel.plots]
        titles = {plot.id: plot.figure.layout.xaxis.title.text for plot in plots}
        assert titles["weights-training"] == "training step"
        assert titles["similarity-training"] == "training step (application step)"
        assert titles["influence-training"] == f"training step ({credit.replace('_', ' ')})"


def test_every_source_has_its_panel(html):
    assert re.findall(r'<div id="([\w-]+)" class="plotly', html) == [
        "weights-shares",
        "weights-training",
        "similarity-shares",
        "similarity-training",
        "influence-shares",  # without intervals there is nothing over training
    ]
    assert "Key frequencies of e</dt><dd>2</dd>" in html
    assert ">similarity, log-probability of the correct class</td>" in html
