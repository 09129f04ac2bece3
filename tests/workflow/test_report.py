"""What Snakemake itself says of a finished run: its report, with captions and categories."""

import json
import re
from zipfile import ZipFile

import pytest

from explaind.config.experiment import EncoderExperimentSettings
from explaind.config.load import load_config
from explaind.experiments.registry import SPECS
from explaind.paths import Paths
from tests.workflow.project import Project


@pytest.fixture(scope="module")
def shown(tiny_run):
    """Kinds that the tiny run has a page of; its experiments are named like them."""
    made = load_config(Paths(tiny_run).config()).experiments
    return {name: spec for name, spec in SPECS.items() if spec.shown and name in made}


@pytest.fixture(scope="module")
def report(tiny_run, tmp_path_factory):
    """The results that Snakemake's report shows, by their file, and the files in it."""
    target = tmp_path_factory.mktemp("report") / "report.zip"
    Project(tiny_run).snakemake("--report", str(target))
    with ZipFile(target) as opened:
        html = opened.read("report/report.html").decode()
        files = {name.rsplit("/", 1)[-1] for name in opened.namelist()}
    decoder = json.JSONDecoder()
    results, categories = (
        decoder.raw_decode(html, re.search(rf"var {name} = (?={{)", html).end())[0]
        for name in ("results", "categories")
    )
    return results, categories, files


def test_pages_and_tables_are_in_it_with_captions(report, shown):
    results, _, files = report
    pages = {f"results/figures/{name}.html" for name in shown}
    tables = {
        f"results/figures/tables/{name}_{table}"
        for name, spec in shown.items()
        for table in spec.shown.tables
    }
    assert set(results) == pages | tables | {"results/grokking/validation.json"}
    assert {path.rsplit("/", 1)[-1] for path in results} <= files
    for path in pages:
        assert f">{path}</tt>" in results[path]["caption"]
    for path in tables:
        assert "Numbers behind the panels of the page" in results[path]["caption"]


def test_they_are_sorted_by_run_and_kind(report, shown):
    results, categories, _ = report
    assert set(categories) == {"Run grokking", "Encoders"}
    encoded = {n for n, s in shown.items() if issubclass(s.settings, EncoderExperimentSettings)}
    assert set(categories["Encoders"]) == {shown[name].title for name in encoded}
    titles = {spec.title for name, spec in shown.items() if name not in encoded}
    assert set(categories["Run grokking"]) == titles | {"Is the explanation faithful?"}
    page = results["results/figures/training.html"]
    assert page["labels"] == {"file": "page", "what it shows": SPECS["training"].summary}
