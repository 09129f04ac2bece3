"""The page with the sanity checks, from tables made by hand."""

import re

import pandas as pd
import pytest

from explaind.config.load import load_config
from explaind.errors import StoreError
from explaind.experiments.drawing import draw_page
from explaind.experiments.label_noise.tables import detection_aucs
from explaind.experiments.leave_group_out.tables import group_means
from explaind.paths import Paths
from tests.experiments.sanity.measured import noise_table, removal_table
from tests.workflow.project import REPOSITORY

CONFIG = load_config(REPOSITORY / "config" / "config.yaml")


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    paths = Paths(tmp_path_factory.mktemp("project"))
    for name, table in (("label_noise", noise_table()), ("leave_group_out", removal_table())):
        path = paths.experiment("digits", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        table.to_parquet(path)
    draw_page(CONFIG, paths, "sanity")
    return paths


def test_page_has_three_plots_and_links_every_table(paths):
    html = paths.figure("sanity").read_text()
    assert re.findall(r'<div id="([\w-]+)" class="plotly', html) == ["roc", "auc", "change"]
    linked = set(re.findall(r'href="tables/([^"]+)"', html))
    written = {file.name for file in paths.table("", "").parent.iterdir()}
    assert linked == written
    assert len(written) == 6


def test_tables_are_those_of_the_attribution(paths):
    aucs = pd.read_csv(paths.table("sanity", "aucs"))
    pd.testing.assert_frame_equal(aucs, detection_aucs(noise_table()), rtol=1e-6)
    groups = pd.read_csv(paths.table("sanity", "groups"))
    pd.testing.assert_frame_equal(groups, group_means(removal_table()), rtol=1e-6)
    targets = pd.read_parquet(paths.table("sanity", "targets", "parquet"))
    pd.testing.assert_frame_equal(targets, removal_table())


def test_a_missing_table_names_its_rule(tmp_path):
    with pytest.raises(StoreError, match="Run the rule `label_noise` again"):
        draw_page(CONFIG, Paths(tmp_path), "sanity")
