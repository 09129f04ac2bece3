"""The page with the maps of samples."""

import re

import numpy as np
import pandas as pd
import pytest

from explaind.experiments.drawing import draw_page
from explaind.experiments.job import Job
from explaind.experiments.maps import compute as module
from explaind.experiments.maps.compute import compute
from explaind.experiments.maps.page import map_figure, share_rows
from explaind.report.choices import Choice
from tests.experiments.similarity.made import P, project


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    config, paths = project(tmp_path_factory.mktemp("project"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "umap_points", lambda _, start, *__: start)
        table = compute(Job("maps", config.experiments["maps"], config, paths, paths.results))
    table.to_parquet(paths.experiment("grokking", "maps"))
    draw_page(config, paths, "maps")
    return paths


def test_page_has_a_map_of_each_method(paths):
    html = paths.figure("maps").read_text()
    assert re.findall(r'<div id="([\w-]+)" class="plotly', html) == ["umap", "pca"]
    assert "Colour = (a + b) mod p, symbol = whether the sum is p or more" in html


def test_points_are_named_coloured_and_marked_by_what_they_are(paths):
    table = pd.read_csv(paths.table("maps", "points"))
    for row in table.iloc[::7].to_dict("records"):
        a, b, c = map(int, re.fullmatch(r"(\d+) \+ (\d+) = (\d+)", row["name"]).groups())
        assert (row["class"], row["wraps"]) == (c, int(a + b >= P))
    choices = (
        Choice("functional", "", {"output_sum": "", "target_logprob": ""}),
        Choice("component", "", {"all components": "", "first": "", "second": ""}),
    )
    figure = map_figure(table[table["method"] == "PCA"], choices)
    shown = [trace for trace in figure.data if trace.visible]
    assert {trace.name: trace.marker.symbol for trace in shown} == {
        "a + b < p": "circle",
        "a + b ≥ p": "diamond",
    }
    rows = table[(table["method"] == "PCA") & (table["component"] == "all components")]
    rows = rows[(rows["functional"] == "output_sum") & (rows["wraps"] == 1)]
    np.testing.assert_array_equal(shown[1].marker.color, rows["class"])
    np.testing.assert_allclose(shown[1].x, rows["x"], rtol=1e-5)


def test_shares_of_the_variance_are_listed():
    points = pd.DataFrame(
        {
            "component": ["first", "first", "first"],
            "functional": ["output_sum", "target_logprob", "target_logprob"],
            "share": [0.5, 0.25, np.nan],
        }
    )
    assert share_rows(points) == [["first", "50 %", "25 %"]]
