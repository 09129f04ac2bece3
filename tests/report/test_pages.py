"""Whole pages: what they hold, their size, that they work offline and come out the same twice."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from explaind.errors import StoreError
from explaind.experiments.grokking.page import grokking_page, write_grokking
from explaind.experiments.grokking.tables import read_tables
from explaind.paths import Paths
from explaind.report.index import write_report
from explaind.report.page import Page, page_html, write_page
from explaind.report.tables.run import open_run
from tests.report.synthetic import SyntheticRun, metrics, write_pages, write_run

MAX_PAGE_BYTES = 8_000_000
PAGES = ("grokking", "training", "epk_validation")
PANELS = {"grokking": "abcdefg", "training": "", "epk_validation": ""}


def long_table(table, repeats):
    """A table over steps, continued by copies of itself."""
    length = table["step"].max() + 1
    return pd.concat([table.assign(step=table["step"] + length * k) for k in range(repeats)])


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("project")
    write_pages(Paths(root))
    return root


def page_files(root):
    paths = Paths(root)
    return [paths.index(), *(paths.figure(name) for name in PAGES)]


def test_the_index_lists_the_tables_but_no_leftover_of_a_killed_job(tmp_path):
    paths = Paths(tmp_path)
    config = write_pages(paths)
    before = paths.index().read_text()
    assert "tables/grokking_curves.csv" in before
    paths.table("grokking", "curves").with_name(".grokking_curves.csv.1.partial").touch()
    write_report(config, paths)
    assert paths.index().read_text() == before


def test_classes_are_results_not_model_outputs(root):
    """The network also has outputs for the tokens + and =."""
    maps = pd.read_parquet(Paths(root).table("grokking", "class_maps", "parquet"))
    assert maps["validation_class"].max() == maps["training_class"].max() == 6
    assert "addition modulo 7<" in Paths(root).figure("grokking").read_text()
    outputs = pd.read_parquet(Paths(root).table("grokking", "agreement", "parquet"))
    assert outputs["class"].max() == 8


def test_every_link_leads_to_a_file(root):
    (root / "results" / "config.json").write_text("{}")
    for page in page_files(root):
        html = page.read_text()
        targets = re.findall(r'(?:href|src)="(?!data:)([^"]+)"', html)
        assert targets
        for target in targets:
            assert (page.parent / target).is_file(), f"{page.name} links {target}"


def test_nothing_is_loaded_from_outside(root):
    for page in page_files(root):
        html = page.read_text()
        assert not re.search(r"https?://", html)


def test_no_page_has_plotly_inside(root):
    assert Paths(root).plotly_js().stat().st_size > 10**6
    for page in page_files(root):
        assert page.stat().st_size < 10**6


def test_same_input_gives_the_same_bytes(root, tmp_path):
    write_pages(Paths(tmp_path))
    for first, second in zip(page_files(root), page_files(tmp_path), strict=True):
        assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("name", PAGES)
def test_every_plot_is_explained_and_every_axis_titled(root, name):
    html = Paths(root).figure(name).read_text()
    sections = html.split("<section>")[1:]
    assert [
        re.findall(r'class="letter">(\w)<', section) for section in sections if 'letter"' in section
    ] == [[letter] for letter in PANELS[name]]
    for section in sections:
        assert len(re.search(r'class="caption">(.*?)</p>', section, re.S).group(1)) > 60
        assert 'href="tables/' in section


@pytest.mark.parametrize("name", PAGES)
def test_tables_are_readable(root, name):
    files = sorted((root / "results" / "figures" / "tables").glob(f"{name}_*"))
    assert files
    for file in files:
        table = pd.read_parquet(file) if file.suffix == ".parquet" else pd.read_csv(file)
        assert not table.empty


def test_table_holds_the_numbers_of_the_store(root):
    stores = open_run(Paths(root), "grokking")
    table = pd.read_csv(Paths(root).table("grokking", "parts"))
    expected = stores.influence["step_decay"].mean(("test", "output"))
    np.testing.assert_allclose(table["decay"], expected, rtol=1e-7)


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        (SyntheticRun(generalises=False), ["not reached"]),
        (
            SyntheticRun(keep=("influence", "component")),
            ["<code>interval</code>", "runs.grokking.epk.keep"],
        ),
        (
            SyntheticRun(keep=("influence",)),
            ["<code>component</code>", "<code>step_component</code> and <code>absolute</code>"],
        ),
        (SyntheticRun(all_outputs=True), ["the model output of the sample"]),
        (SyntheticRun(p=3, steps=4, intervals=2), ["addition modulo 3"]),
        (SyntheticRun(components=("<b>body</b>", "head")), ["&lt;b&gt;body&lt;/b&gt;"]),
        (SyntheticRun(intervals=11, steps=23), ["steps 20 to 22"]),
    ],
    ids=["never generalises", "no intervals", "no splits", "all outputs", "tiny", "names", "odd"],
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
    config = write_pages(paths)
    table = pd.read_parquet(paths.metrics("grokking"))
    table.loc[20:, ["train_loss", "validation_accuracy"]] = np.nan
    table.to_parquet(paths.metrics("grokking"))
    write_grokking(config, paths, "grokking")
    assert "not reached" in paths.figure("grokking").read_text()


def test_page_of_publication_scale_is_small_enough(tmp_path):
    """p = 113, 4,000 steps, 10 intervals, 2,000 explained samples."""
    paths = Paths(tmp_path)
    case = SyntheticRun(p=113, steps=4000, intervals=10)
    random = np.random.default_rng(0)
    write_run(paths, "small", SyntheticRun())
    small = read_tables(open_run(paths, "small"), 7)
    tables = replace(
        small,
        metrics=metrics(case, random),
        components=long_table(small.components, 67),
        parts=long_table(small.parts, 67).reset_index(drop=True),
        outputs=pd.concat([small.outputs] * 4000, ignore_index=True),
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
    files = dict.fromkeys(
        ("curves", "components", "parts", "closure", "agreement", "class_maps"), Path("t.csv")
    )
    html = page_html(grokking_page("grokking", "paper", tables, files, 25))
    assert 10**6 < len(html.encode()) < MAX_PAGE_BYTES
    assert "pairs of samples are too many for a page" in html


def test_a_failed_writer_leaves_the_old_page(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError("disk is full")

    path = tmp_path / "page.html"
    page = Page(name="training", title="Old", subtitle="", lead="", panels=())
    write_page(page, path)
    before = path.read_bytes()
    monkeypatch.setattr("explaind.files.os.replace", refuse)
    with pytest.raises(OSError, match="disk is full"):
        write_page(replace(page, title="New"), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
