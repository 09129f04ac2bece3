"""The page on grokking: the story of planted results, unusual runs."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from explaind.errors import StoreError
from explaind.experiments.drawing import draw_page, sources_of
from explaind.experiments.grokking.claims import verdicts
from explaind.experiments.grokking.page import draw
from explaind.experiments.grokking.phases import phase_evidence, story_phases
from explaind.experiments.grokking.tables import read
from explaind.paths import Paths
from explaind.report.html import render
from explaind.report.page import About
from explaind.report.text import number, signed
from tests.experiments.grokking import planted
from tests.report.synthetic import SyntheticRun, write_pages


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    paths = Paths(tmp_path_factory.mktemp("project"))
    return write_pages(paths, pages=["grokking"]), paths


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        (SyntheticRun(generalises=False, steps=400), ["not reached"]),
        (
            SyntheticRun(keep=("influence", "component"), steps=400),
            ["<code>interval</code>", "runs.grokking.epk.keep", "not kept"],
        ),
        (SyntheticRun(all_outputs=True), ["the log-probability of the correct class"]),
        (SyntheticRun(credit="application_step"), ["credited to the application step"]),
        (SyntheticRun(p=3, steps=4, intervals=2), ["addition modulo 3"]),
        (
            SyntheticRun(components=("<b>body</b>", "head"), steps=400),
            ["&lt;b&gt;body&lt;/b&gt;"],
        ),
    ],
    ids=[
        "never generalises",
        "no intervals",
        "all outputs",
        "credit",
        "tiny",
        "names",
    ],
)
def test_unusual_runs(tmp_path, case, expected):
    write_pages(Paths(tmp_path), case, ["grokking"])
    html = Paths(tmp_path).figure("grokking").read_text()
    for text in expected:
        assert text in html


def test_a_page_without_influence_names_the_key(tmp_path):
    with pytest.raises(StoreError, match=r"Add `influence` to\s+runs.<name>.epk.keep"):
        write_pages(Paths(tmp_path), SyntheticRun(keep=("component", "interval")), ["grokking"])


def test_missing_numbers_do_not_stop_the_page(tmp_path):
    paths = Paths(tmp_path)
    config = write_pages(paths, SyntheticRun(steps=400), ["grokking"])
    table = pd.read_parquet(paths.metrics("grokking"))
    table.loc[250:, ["train_loss", "validation_accuracy"]] = np.nan
    table.to_parquet(paths.metrics("grokking"))
    draw_page(config, paths, "grokking")
    assert "not reached" in paths.figure("grokking").read_text()


def test_what_cancels_is_told_by_sum(project):
    _, paths = project
    html = paths.figure("grokking").read_text()
    table = pd.read_csv(paths.table("grokking", "cancellation")).head(3)
    net = dict(zip(table["classes"], table["net"], strict=True))
    same, other = (signed(net[classes]) for classes in ("same class", "other classes"))
    gross = number(table["gross"].iloc[-1])
    assert f"{same} (same sum) and {other} (other sums); {gross} nat in absolute value" in html
    assert "nat in absolute value. Left:" in html


def test_the_story_is_told_from_all_experiments(project):
    config, paths = project
    tables = read(sources_of(config, paths, "grokking"), config.experiments["grokking"])
    story = planted.story()
    phases = story_phases(story)
    told = replace(
        tables,
        story=story,
        phases=phases,
        evidence=phase_evidence(story, phases),
        verdicts=verdicts(story),
    )
    page = draw(told, about(told))
    assert [plot.id for plot in page.panels[0].plots] == [
        *("phase-accuracy", "phase-influence", "phase-balance", "phase-similarity")
    ]
    for plot in page.panels[0].plots:
        bands = [shape for shape in plot.figure.layout.shapes if shape.type == "rect"]
        assert [(band.x0, band.x1) for band in bands] == [
            (phase.start, phase.stop) for phase in phases
        ]
    html = render("page.html", page=page, pages={})
    assert html.count('class="badge faithful">reproduced<') == len(told.verdicts)
    for phase in phases:
        assert f"<strong>{phase.name}</strong>" in html
    facts = {fact.label: fact.value for fact in page.facts}
    assert facts["Claims reproduced"] == "14 of 14"
    assert "Left out of the story" not in html


def test_what_is_left_out_is_named(project):
    html = project[1].figure("grokking").read_text()
    names = "influence_over_training, similarity, spectrum, swap, retrain"
    assert f"Left out of the story: {names}." in html
    assert html.count(">left out<") == 10


def about(tables):
    return About("grokking", "Title", "paper", dict.fromkeys(tables.files(), Path("t.csv")))
