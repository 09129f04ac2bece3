"""The page with the sanity checks, from tables made by hand."""

import re

import pytest

from explaind.errors import StoreError
from explaind.experiments.drawing import draw_page
from explaind.paths import Paths
from tests.experiments.sanity.measured import CONFIG, write_results


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    paths = write_results(tmp_path_factory.mktemp("project"))
    draw_page(CONFIG, paths, "sanity")
    return paths


def test_page_has_three_plots_and_links_every_table(paths):
    html = paths.figure("sanity").read_text()
    assert re.findall(r'<div id="([\w-]+)" class="plotly', html) == ["roc", "auc", "change"]
    linked = set(re.findall(r'href="tables/([^"]+)"', html))
    written = {file.name for file in paths.table("", "").parent.iterdir()}
    assert linked == written
    assert len(written) == 6


def test_a_missing_table_names_its_rule(tmp_path):
    with pytest.raises(StoreError, match="Run the rule `label_noise` again"):
        draw_page(CONFIG, Paths(tmp_path), "sanity")
