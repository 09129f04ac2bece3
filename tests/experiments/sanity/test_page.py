"""The page with the sanity checks, from tables made by hand."""

import re

import pytest

from explaind.errors import StoreError
from explaind.experiments.drawing import draw_page
from explaind.paths import Paths
from tests.experiments.sanity.measured import CONFIG, noise_table, removal_table, write_results


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


def test_lead_says_that_removal_is_another_question(paths):
    lead = re.search(r'class="lead">(.*?)</p>', paths.figure("sanity").read_text(), re.S).group(1)
    assert lead.startswith("The path kernel decomposes the training that took place")
    assert "different questions" in lead


def test_what_has_no_power_is_said_and_not_drawn(tmp_path):
    paths = write_results(tmp_path, noise_table(samples=15), removal_table(shares=(0.1,)))
    draw_page(CONFIG, paths, "sanity")
    html = paths.figure("sanity").read_text()
    assert not re.findall(r'<div id="([\w-]+)" class="plotly', html)
    assert "3 sets of 3 flipped and 12 correct labels would tell an area of 0.75" in html
    assert "4 retrainings that learned would tell a correlation of 0.8 from none" in html
    assert "more random groups (draws)" in html
    assert ">Most helpful 10\u00a0%</td>" in html  # what was measured is listed all the same


def test_failed_retrainings_are_flagged(tmp_path):
    paths = write_results(tmp_path, removal=removal_table(failed=[("bottom", 0.2)]))
    draw_page(CONFIG, paths, "sanity")
    html = paths.figure("sanity").read_text()
    assert "1 of 13 retrainings failed" in html
    failed = [row for row in html.split("<tr>") if ">failed</td>" in row]
    assert len(failed) == 1
    assert "Most harmful 20\u00a0%" in failed[0]
    assert ">60\u00a0%</td>" in failed[0]
    assert "Over 11 groups" in html


def test_a_missing_table_names_its_rule(tmp_path):
    with pytest.raises(StoreError, match="Run the rule `label_noise` again"):
        draw_page(CONFIG, Paths(tmp_path), "sanity")
