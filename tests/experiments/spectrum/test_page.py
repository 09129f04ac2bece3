"""The page on frequencies."""

import re

import pytest

from explaind.experiments.drawing import draw_page
from tests.experiments.similarity.made import project
from tests.experiments.spectrum.made import SPECTRUM


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
    assert ">similarity, log-probability of the correct class</td>" in html
