"""The page on pruning, from a table made by hand."""

import re

import pandas as pd
import pytest

from explaind.config.load import load_config
from explaind.experiments.drawing import draw_page
from explaind.experiments.pruning.tables import pruning_means
from explaind.paths import Paths
from tests.experiments.pruning.measured import experiment_table
from tests.workflow.project import REPOSITORY


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("project")
    paths = Paths(root)
    path = paths.experiment("digits", "pruning")
    path.parent.mkdir(parents=True)
    experiment_table().to_parquet(path)
    draw_page(load_config(REPOSITORY / "config" / "config.yaml"), paths, "pruning")
    return root


def test_page_has_two_plots_and_chooses_the_case(root):
    html = Paths(root).figure("pruning").read_text()
    assert re.findall(r'<div id="([\w-]+)" class="plotly', html) == ["metrics", "zeros"]
    chosen = re.findall(r'<select data-choice="(\w+)">', html)
    assert chosen == ["metric", "scope", "grid", "method"]
    for section in html.split("<section>")[1:]:
        assert len(re.search(r'class="caption">(.*?)</p>', section, re.S).group(1)) > 60
        assert 'href="tables/' in section
    assert "<b>" not in html.replace("zeros_<b>", "")


def test_page_says_how_many_samples_test_and_what_is_better(root):
    html = Paths(root).figure("pruning").read_text()
    assert "n = 48 tests (each of 16 test samples in 3 splits" in html
    assert "accuracy (higher is better)" in html
    assert "KL divergence from the unpruned network (lower is better)" in html


def test_tables_are_those_of_the_attribution(root):
    means = pd.read_csv(Paths(root).table("pruning", "means"))
    pd.testing.assert_frame_equal(means, pruning_means(experiment_table()), rtol=1e-6)
    layers = pd.read_parquet(Paths(root).table("pruning", "layers", "parquet"))
    assert set(layers["tensor"]) == {"first", "<b>"}
    assert len(pd.read_csv(Paths(root).table("pruning", "comparison"))) == 2 * 2 * 2 * 3 * 3
