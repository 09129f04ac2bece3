"""Whole pages: what they hold, that they work offline and come out the same twice."""

import re

import numpy as np
import pandas as pd
import pytest
from plotly.offline import get_plotlyjs

from explaind.config.load import load_config
from explaind.experiments.drawing import draw_index, entries, sources_of
from explaind.experiments.registry import SPECS
from explaind.paths import Paths
from tests.report.synthetic import PAGES, write_pages
from tests.workflow.project import REPOSITORY

PANELS = {
    "grokking": "abcd",
    "training": "",
    "influence_over_training": "ab",
    "influence_matrices": "abcd",
    "epk_validation": "",
}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("project")
    write_pages(Paths(root))
    return root


def own_html(page):
    """A page without the plotting library, which may be inside."""
    return page.read_text().replace(get_plotlyjs(), "")


def page_files(root):
    paths = Paths(root)
    return [paths.index(), *(paths.figure(name) for name in PAGES)]


def test_the_index_lists_the_tables_but_no_leftover_of_a_killed_job(tmp_path):
    paths = Paths(tmp_path)
    config = write_pages(paths)
    before = paths.index().read_text()
    assert "tables/grokking_curves.csv" in before
    paths.table("grokking", "curves").with_name(".grokking_curves.csv.1.partial").touch()
    draw_index(config, paths)
    assert paths.index().read_text() == before


def test_every_link_leads_to_a_file(root):
    (root / "results" / "config.json").write_text("{}")
    for page in page_files(root):
        html = own_html(page)
        targets = re.findall(r'(?:href|src)="(?!data:|https:)([^"]+)"', html)
        assert targets
        for target in targets:
            if target.startswith("#"):
                assert f'id="{target[1:]}"' in html
                continue
            assert (page.parent / target).is_file(), f"{page.name} links {target}"


def test_nothing_is_loaded_from_outside(root):
    for page in page_files(root):
        html = own_html(page)
        assert not re.search(r"""(src=|<link[^>]+href=|url\(|@import|fetch\()['" ]*https?:""", html)
        linked = set(re.findall(r'https?://[^"<> ]+', html))
        assert linked == {"https://arxiv.org/abs/2505.20076"}


def test_only_the_story_has_plotly_inside(root):
    """It can be sent by itself; all others share the file beside them."""
    assert Paths(root).plotly_js().stat().st_size > 10**6
    sizes = {page.stem: page.stat().st_size for page in page_files(root)}
    assert [name for name, size in sizes.items() if size >= 10**6] == ["grokking"]


def test_same_input_gives_the_same_bytes(root, tmp_path):
    write_pages(Paths(tmp_path))
    for first, second in zip(page_files(root), page_files(tmp_path), strict=True):
        assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("name", PAGES)
def test_every_plot_is_explained_and_every_axis_titled(root, name):
    html = Paths(root).figure(name).read_text()
    sections = html.split("<section id=")[1:]
    assert [
        re.findall(r'class="letter">(\w)<', section) for section in sections if 'letter"' in section
    ] == [[letter] for letter in PANELS[name]]
    for section in sections:
        assert len(re.search(r'class="caption">(.*?)</p>', section, re.S).group(1)) > 60
        assert 'href="tables/' in section


@pytest.mark.parametrize("name", PAGES)
def test_the_declared_tables_are_written_and_readable(root, name):
    files = sorted((root / "results" / "figures" / "tables").glob(f"{name}_*"))
    assert {file.name for file in files} == {
        f"{name}_{table}" for table in SPECS[name].shown.tables
    }
    for file in files:
        table = pd.read_parquet(file) if file.suffix == ".parquet" else pd.read_csv(file)
        assert not table.empty


def test_table_holds_the_numbers_of_the_store(root):
    paths = Paths(root)
    table = pd.read_csv(paths.table("training", "decomposition"))
    config = load_config({"experiments": {"training": {"run": "grokking"}}})
    influence = sources_of(config, paths, "training").influence
    expected = influence["step_decay"].mean(("test", "output"))
    np.testing.assert_allclose(table["decay"], expected, rtol=1e-7)


def test_pages_link_the_others_of_their_run(root):
    html = Paths(root).figure("training").read_text()
    navigation = re.search(r"<nav [^>]+>(.*?)</nav>", html, re.S).group(1)
    assert '<a href="../index.html">Overview</a>' in navigation
    assert f'<a href="grokking.html">{SPECS["grokking"].title}</a>' in navigation
    assert f'<span class="here" aria-current="page">{SPECS["training"].title}</span>' in navigation


def test_entries_are_those_with_a_page():
    config = load_config(REPOSITORY / "config" / "config.yaml")
    found = {entry.name: entry for entry in entries(config)}
    shown = {name for name in config.experiments if config.spec(name).shown}
    assert set(found) == shown < set(config.experiments)
    assert found["digits_training"].title == SPECS["training"].title
    assert found["digits_training"].run == "digits"


def test_pages_of_one_kind_are_named_apart():
    """By their run; on one run, by their names."""
    config = load_config(
        {
            "datasets": {"modulo": {}},
            "runs": {"a": {"dataset": "modulo"}, "b": {"dataset": "modulo"}},
            "experiments": {
                "one": {"kind": "training", "run": "a"},
                "two": {"kind": "training", "run": "a"},
                "three": {"kind": "training", "run": "b"},
            },
        }
    )
    title = SPECS["training"].title
    assert {entry.name: entry.title for entry in entries(config)} == {
        "one": f"{title} (one)",
        "two": f"{title} (two)",
        "three": title,
    }


def test_sources_name_the_results_that_a_page_shows(tmp_path):
    config = load_config(
        REPOSITORY / "config" / "config.yaml",
        {
            "experiments": {
                "noise": {"kind": "label_noise", "run": "digits"},
                "sanity": {"label_noise": "noise"},
            }
        },
    )
    sanity = sources_of(config, Paths(tmp_path), "sanity")
    assert sanity.results == {
        "label_noise": ("label_noise", "noise"),
        "leave_group_out": ("leave_group_out", "leave_group_out"),
    }
    assert (sanity.run, sanity.dataset_name, sanity.dataset.kind) == ("digits", "digits", "digits")
    pruning = sources_of(config, Paths(tmp_path), "pruning")
    assert pruning.results == {"pruning": ("pruning", "pruning")}


def test_sources_name_every_result_of_a_kind_with_its_dataset(tmp_path):
    config = load_config(REPOSITORY / "config" / "labelfree-cpu.yaml")
    sources = sources_of(config, Paths(tmp_path), "labelfree")
    of_kind = sources.of_kind("example_consistency")
    assert of_kind == [
        f"{data}_example_consistency" for data in ("mnist", "ecg", "cifar10", "cifar100", "simclr")
    ]
    assert sources.results["ecg_example_consistency"] == (
        "example_consistency",
        "ecg_example_consistency",
    )
    datasets = [sources.datasets[key] for key in of_kind]
    assert datasets == ["mnist_small", "ecg", "cifar10_small", "cifar100_small", "cifar10_simclr"]
