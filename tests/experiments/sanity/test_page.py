"""The page with the sanity checks, from tables made by hand."""

import re

import numpy as np
import pandas as pd
import pytest

from explaind.config.load import load_config
from explaind.errors import StoreError
from explaind.experiments.drawing import draw_page
from explaind.experiments.label_noise.tables import auc_comparison, auc_means, detection_aucs
from explaind.experiments.leave_group_out.tables import group_correlations, group_means
from explaind.experiments.sanity.plots import auc_figure, change_figure
from explaind.experiments.sanity.text import extreme_rows, noise_answer, removal_answer
from explaind.paths import Paths
from tests.workflow.project import REPOSITORY

CONFIG = load_config(REPOSITORY / "config" / "config.yaml")
SEEDS = (1, 2, 3)
SEPARATION = {
    "self_influence": 1.0,
    "held_out_influence": -1.0,
    "loss": 1.0,
    "gradient_norm": 1.0,
    "random": 0.0,
}


def noise_table(**separation):
    """Scores of flipped samples lie so many deviations above those of the others."""
    random = np.random.default_rng(0)
    flipped = np.arange(300) % 5 == 0
    tables = []
    for seed in SEEDS:
        scores = {
            name: size * flipped + random.standard_normal(len(flipped))
            for name, size in (SEPARATION | separation).items()
        }
        tables.append(pd.DataFrame({"seed": seed, "flipped": flipped, **scores}))
    return pd.concat(tables)


def removal_table(slope=1.0, noise=0.05):
    """The actual change is so many times the predicted one, with noise."""
    random = np.random.default_rng(0)
    groups = [("top", 0, -3.0), ("bottom", 0, 2.0), ("random", 0, 0.5), ("random", 1, -0.5)]
    rows = [case_of("none", 0.0, 0, 0, target, 0.0, 0.0) for target in range(4)]
    for share in (0.1, 0.2):
        for kind, draw, size in groups:
            for target in range(4):
                predicted = size * share * (1 + 0.1 * target)
                actual = slope * predicted + noise * random.standard_normal()
                rows.append(
                    case_of(kind, share, draw, round(100 * share), target, predicted, actual)
                )
    return pd.DataFrame(rows)


def case_of(kind, share, draw, removed, target, predicted, actual):
    case = {"group": kind, "share": share, "draw": draw, "removed": removed, "target": target}
    return {**case, "before": -0.25, "predicted": predicted, "actual": actual}


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


def test_bars_have_intervals_and_a_mark_for_every_seed():
    aucs = detection_aucs(noise_table())
    means = auc_means(aucs)
    bars, marks = auc_figure(means, aucs).data
    np.testing.assert_allclose(bars.y, means["auc"])
    np.testing.assert_allclose(bars.error_y.array, means["margin"])
    assert len(marks.y) == len(SEEDS) * len(means)


def test_changes_lie_about_the_line_of_equality():
    figure = change_figure(group_means(removal_table(noise=0)))
    assert [len(trace.x) for trace in figure.data] == [2, 2, 4]  # the control is not drawn
    for trace in figure.data:
        np.testing.assert_allclose(trace.x, trace.y)
    line = next(shape for shape in figure.layout.shapes if shape.x0 != 0)
    assert (line.x0, line.x1) == (line.y0, line.y1)
    assert line.x0 <= min(min(trace.x) for trace in figure.data)


def answer_on_noise(**separation):
    aucs = detection_aucs(noise_table(**separation))
    return noise_answer(auc_means(aucs), auc_comparison(aucs), len(SEEDS))


@pytest.mark.parametrize(
    ("separation", "expected"),
    [
        ({"self_influence": 3}, "Self-influence finds flipped labels better than chance</strong>"),
        ({"self_influence": 3}, "it is better than the loss"),
        ({"loss": 3}, "it is worse than the loss"),
        ({"self_influence": 0}, "Self-influence is not significantly different from chance"),
        ({"held_out_influence": 2}, "held-out data finds flipped labels worse than chance"),
    ],
)
def test_answer_on_flipped_labels_follows_from_the_numbers(separation, expected):
    assert expected in answer_on_noise(**separation)


@pytest.mark.parametrize(
    ("slope", "expected"),
    [
        (1, ["Where influence predicts more", "about as much as predicted"]),
        (5, ["Where influence predicts more", "more than predicted."]),
        (0.2, ["Where influence predicts more", "less than predicted."]),
        (-1, ["runs against the prediction", "not what was predicted"]),
        (0, ["No relation between the predicted and the actual change of the mean"]),
    ],
)
def test_answer_on_removals_follows_from_the_numbers(slope, expected):
    table = removal_table(slope)
    text = removal_answer(group_correlations(table), group_means(table))
    assert "Over 8 groups" in text
    for part in expected:
        assert part in text


def test_rows_name_the_extreme_groups():
    rows = extreme_rows(group_means(removal_table(noise=0)))
    assert [row[0] for row in rows[:2]] == [
        "Without the most helpful 10 %",
        "Without the most harmful 10 %",
    ]
    assert rows[0][1:] == ("\N{MINUS SIGN}0.345 nat", "\N{MINUS SIGN}0.345 nat predicted")
