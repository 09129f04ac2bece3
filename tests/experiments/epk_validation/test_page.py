"""The page on the validation of the path kernel."""

import json

import pandas as pd
import pytest

from explaind.paths import Paths
from explaind.report.text import number, percent
from tests.report.synthetic import SyntheticRun, write_pages


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    paths = Paths(tmp_path_factory.mktemp("project"))
    write_pages(paths, SyntheticRun(p=5, steps=20))
    return paths


def test_header_and_table_hold_the_statistics(paths):
    statistics = json.loads(paths.validation_summary("grokking").read_text())
    html = paths.figure("epk_validation").read_text()
    assert f"<dd>{percent(statistics['argmax_agreement'])}</dd>" in html
    assert f"<dd>{number(statistics['deviation_max'])} nat</dd>" in html
    table = pd.read_csv(paths.table("epk_validation", "statistics"))
    assert dict(zip(table["name"], table["value"], strict=True)) == pytest.approx(statistics)


def test_words_of_the_field(paths):
    html = paths.figure("epk_validation").read_text()
    for word in ("Prediction agreement", "KL divergence", "Largest absolute error", "Completeness"):
        assert word in html
