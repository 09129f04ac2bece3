"""The page on similar samples."""

import re

import pandas as pd
import pytest

from explaind.errors import StoreError
from explaind.experiments.drawing import draw_page
from explaind.paths import Paths
from tests.experiments.similarity.made import project


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    config, paths = project(tmp_path_factory.mktemp("project"))
    draw_page(config, paths, "similarity")
    return paths


def test_page_compares_validation_with_both_splits(paths):
    html = paths.figure("similarity").read_text()
    plots = re.findall(r'<div id="([\w-]+)" class="plotly', html)
    assert plots == ["cosines-validation", "cosines-training", "development"]
    assert "<dd>9 + 10</dd>" in html
    for option in (
        "all components",
        "second",
        "first.bias",
        "(a + b) mod p",
        "a, the larger number",
    ):
        assert f"<option>{option}</option>" in html
    assert "the store has all" not in html  # nothing is left out
    linked = set(re.findall(r'href="tables/([^"]+)"', html))
    assert linked == {file.name for file in paths.table("", "").parent.iterdir()}


def test_neighbours_share_what_the_planted_vectors_share(paths):
    """Vectors through `second` only know the class: equal classes are nearest."""
    table = pd.read_csv(paths.table("similarity", "neighbours"))
    case = (table["component"] == "second") & (table["shared"] == "class")
    rows = table[case & (table["others"] == "training")].set_index(["functional", "end"])
    nearest = rows.loc[("output_sum", "nearest")]
    assert nearest["count"] > nearest["expected"]
    assert rows.loc[("output_sum", "farthest"), "count"] == 0
    html = paths.figure("similarity").read_text()
    assert f">{nearest['count']:.2g} ({nearest['expected']:.2g})</td>" in html


def test_training_samples_may_be_missing(tmp_path):
    config, paths = project(tmp_path, train=0)
    draw_page(config, paths, "similarity")
    html = paths.figure("similarity").read_text()
    assert "cosines-validation" in html
    assert "cosines-training" not in html


def test_a_missing_store_names_its_rule(tmp_path):
    config, paths = project(tmp_path)
    path = paths.experiment("grokking", "similarity", "zarr")
    path.rename(path.with_name("gone"))
    with pytest.raises(StoreError, match="Run the rule `similarity` again"):
        draw_page(config, Paths(tmp_path), "similarity")
