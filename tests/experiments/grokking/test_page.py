"""The page on grokking: classes, unusual runs, sizes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from explaind.errors import StoreError
from explaind.experiments.drawing import draw_page, sources_of
from explaind.experiments.grokking import tables as grokking_tables
from explaind.experiments.grokking.page import draw
from explaind.paths import Paths
from explaind.report.html import render
from explaind.report.page import About
from explaind.report.text import number, signed
from tests.report.synthetic import SyntheticRun, metrics, write_pages

MAX_PAGE_BYTES = 8_000_000


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    paths = Paths(tmp_path_factory.mktemp("project"))
    return write_pages(paths), paths


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        (SyntheticRun(generalises=False, steps=400), ["not reached"]),
        (
            SyntheticRun(keep=("influence", "component")),
            ["<code>interval</code>", "runs.grokking.epk.keep"],
        ),
        (
            SyntheticRun(keep=("influence",)),
            ["<code>component</code>", "<code>interval</code>"],
        ),
        (SyntheticRun(all_outputs=True), ["the log-probability of the correct class"]),
        (SyntheticRun(credit="application_step"), ["credited to the application step"]),
        (SyntheticRun(p=3, steps=4, intervals=2), ["addition modulo 3"]),
        (SyntheticRun(components=("<b>body</b>", "head")), ["&lt;b&gt;body&lt;/b&gt;"]),
        (SyntheticRun(intervals=11, steps=23), ["steps 20 to 22"]),
    ],
    ids=[
        "never generalises",
        "no intervals",
        "no splits",
        "all outputs",
        "credit",
        "tiny",
        "names",
        "odd",
    ],
)
def test_unusual_runs(tmp_path, case, expected):
    write_pages(Paths(tmp_path), case)
    html = Paths(tmp_path).figure("grokking").read_text()
    for text in expected:
        assert text in html


def test_a_page_without_influence_names_the_key(tmp_path):
    with pytest.raises(StoreError, match=r"Add `influence` to\s+runs.<name>.epk.keep"):
        write_pages(Paths(tmp_path), SyntheticRun(keep=("component", "interval")))


def test_missing_numbers_do_not_stop_the_page(tmp_path):
    paths = Paths(tmp_path)
    config = write_pages(paths, SyntheticRun(steps=400))
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


def test_a_cell_of_single_samples_names_both_sums(project):
    config, paths = project
    sources = sources_of(config, paths, "grokking")
    found = grokking_tables.read(sources, config.experiments["grokking"]).samples
    rows, columns = found["test_index"].to_numpy(), found["train_index"].to_numpy()
    for split, index, names in (
        ("validation", rows, found["test_name"]),
        ("train", columns, found["train_name"]),
    ):
        a, _, b, _ = sources.data[f"x_{split}"].to_numpy()[index[4]]
        assert names[4] == f"{a} + {b} = {(a + b) % 7}"
        assert len(set(names.to_numpy())) == len(names)  # an axis would merge two alike


def test_page_of_the_size_of_the_paper_is_small_enough(project):
    """p = 113, 4,000 steps, 10 intervals, 2,000 explained samples."""
    config, paths = project
    case = SyntheticRun(p=113, steps=4000, intervals=10)
    random = np.random.default_rng(0)
    sources = sources_of(config, paths, "grokking")
    small = grokking_tables.read(sources, config.experiments["grokking"])
    tables = replace(
        small,
        metrics=metrics(case, random),
        maps=xr.DataArray(
            random.standard_normal((11, 7, 113, 113)),
            dims=small.maps.dims,
            coords={
                "component": small.maps["component"],
                "start": ("interval", np.arange(11)),
                "stop": ("interval", np.arange(11) + 1),
            },
        ),
        samples=None,
    )
    about = About("grokking", "Title", "paper", dict.fromkeys(small.files(), Path("t.csv")))
    html = render("page.html", page=draw(tables, about), pages={})
    assert 10**6 < len(html.encode()) < MAX_PAGE_BYTES
    assert "pairs of samples are too many for a page" in html
