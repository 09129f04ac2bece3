"""The page on the validation of the path kernel."""

import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from explaind.experiments.drawing import sources_of
from explaind.experiments.epk_validation.page import draw
from explaind.experiments.epk_validation.tables import read
from explaind.paths import Paths
from explaind.report.html import render
from explaind.report.page import About
from explaind.report.text import number, percent
from tests.report.synthetic import SyntheticRun, write_pages


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    paths = Paths(tmp_path_factory.mktemp("project"))
    write_pages(paths, SyntheticRun(p=5, steps=20), ["epk_validation"])
    return paths


def test_header_and_table_hold_the_statistics(paths):
    statistics = json.loads(paths.validation_summary("grokking").read_text())
    html = paths.figure("epk_validation").read_text()
    assert f"<dd>{percent(statistics['argmax_agreement'])}</dd>" in html
    assert f"<dd>{number(statistics['absolute_error_max'])} nat</dd>" in html
    assert statistics.pop("unit") == "nat"
    table = pd.read_csv(paths.table("epk_validation", "statistics"))
    assert dict(zip(table["name"], table["value"], strict=True)) == pytest.approx(statistics)


def test_words_of_the_field(paths):
    html = paths.figure("epk_validation").read_text()
    for word in ("Prediction agreement", "KL divergence", "Largest absolute error", "Completeness"):
        assert word in html


def test_sums_of_probabilities_stand_below_the_divergence(paths):
    statistics = json.loads(paths.validation_summary("grokking").read_text())
    html = paths.figure("epk_validation").read_text()
    low, high = (number(statistics[f"probability_sum_{end}"], 4) for end in ("min", "max"))
    assert f"{low} to {high}" in html
    assert html.index("<td>KL divergence") < html.index("<td>Sums of probabilities")


def test_what_cancels_stands_beside_the_net(paths):
    html = paths.figure("epk_validation").read_text()
    rows = pd.read_csv(paths.table("epk_validation", "cancellation"))
    whole = rows[rows["classes"] == "all classes"].iloc[0]
    assert f"{number(whole['gross'])} nat in absolute value" in html
    assert "Training data, other classes" in html


def test_logits_are_neither_in_nat_nor_log_probabilities(tmp_path):
    paths = Paths(tmp_path)
    config = write_pages(paths, SyntheticRun(p=5, steps=20), ["epk_validation"])
    tables = read(sources_of(config, paths, "epk_validation"), config.experiments["epk_validation"])
    logits = replace(
        tables,
        statistics={**tables.statistics, "unit": "1"},
        output_unit="1",
        explained=replace(tables.explained, unit="1", output="the logit of the correct class"),
    )
    files = dict.fromkeys(tables.files(), Path("t.csv"))
    html = render("page.html", page=draw(logits, About("v", "V", "mine", files)), pages={})
    body = html[html.index("<body>") :]
    assert body.count(" nat<") == 2  # the divergence, above and in the table
    assert "(nat" not in body
    assert "log-probability" not in body
