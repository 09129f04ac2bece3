"""The index page, from runs made by hand."""

import pandas as pd
import pytest

from explaind.errors import StoreError
from explaind.files import write_text
from explaind.paths import Paths
from explaind.report.index import Entry, write_index
from tests.report.synthetic import SyntheticRun, write_run

ENTRIES = [
    Entry("one", "first", "Title & one", "What <it> shows."),
    Entry("two", "second", "Title two", "More."),
]
RUNS = {"first": {}, "second": {}}


@pytest.fixture
def paths(tmp_path):
    paths = Paths(tmp_path)
    for name in RUNS:
        write_run(paths, name, SyntheticRun(p=3, steps=8))
    return paths


def sections(paths):
    """HTML of each run."""
    _, *parts = paths.index().read_text().split('<section class="run" id="run-')
    return {part.split('"', 1)[0]: part.split("</section>", 1)[0] for part in parts}


def test_a_run_has_its_own_pages_verdict_and_files(paths):
    write_index(paths, ENTRIES, RUNS, {"key": "<value>"})
    first, second = sections(paths).values()
    assert '<a class="card" href="figures/one.html"><strong>Title &amp; one</strong>' in first
    assert "What &lt;it&gt; shows." in first
    assert "two.html" not in first
    assert "two.html" in second
    for section in (first, second):
        assert '<strong class="badge' in section
        assert "Final validation accuracy" in section
        assert "<svg" in section
        assert "Cost: not measured" in section
    assert 'href="second/validation.json"' in second
    assert "&#34;&lt;value&gt;&#34;" in paths.index().read_text()


def test_encoders_are_named_behind_the_runs(paths):
    write_index(paths, [*ENTRIES, Entry("third", "encoders", "Units", "What.")], RUNS, {})
    assert "#encoders" not in paths.index().read_text()
    write_index(paths, ENTRIES, RUNS | {"encoders": {}}, {})
    words = " ".join(paths.index().read_text().split())
    assert '>second</a>, and <a href="#encoders">encoders</a>' in words


def test_a_run_without_a_page_is_shown(paths):
    write_index(paths, ENTRIES[:1], RUNS, {})
    assert "No page of this run is configured." in sections(paths)["second"]


def test_the_cost_is_that_of_the_jobs_that_were_measured(paths):
    jobs = {job: paths.benchmark("first", job) for job in ("train", "by_hand")}
    write_text(jobs["train"], "s\tmax_rss\n75\t512\n")
    write_index(paths, ENTRIES, {"first": jobs}, {})
    section = sections(paths)["first"]
    assert "Cost: 1 min 15 s, peak 0.54 GB" in section
    assert "by_hand" not in section


def test_a_run_without_accuracy_has_only_its_steps(paths):
    table = pd.read_parquet(paths.metrics("first"))
    table.drop(columns="train_accuracy").to_parquet(paths.metrics("first"))
    write_index(paths, ENTRIES, RUNS, {})
    first, second = sections(paths).values()
    assert "Training steps" in first
    assert "Final validation accuracy" not in first
    assert "Final validation accuracy" in second


def test_missing_numbers_of_a_shown_run_name_their_rule(paths):
    paths.validation_summary("second").unlink()
    with pytest.raises(StoreError, match="Run the rule `validate_epk` again"):
        write_index(paths, ENTRIES, RUNS, {})
    write_index(paths, ENTRIES, {"first": {}}, {})
