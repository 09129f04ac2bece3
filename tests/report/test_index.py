"""The index page, from runs made by hand."""

import pandas as pd
import pytest

from explaind.errors import StoreError
from explaind.paths import Paths
from explaind.report.index import Entry, write_index
from tests.report.synthetic import SyntheticRun, write_run

ENTRIES = [
    Entry("one", "first", "Title & one", "What <it> shows."),
    Entry("two", "second", "Title two", "More."),
]


@pytest.fixture
def paths(tmp_path):
    paths = Paths(tmp_path)
    for name in ("first", "second"):
        write_run(paths, name, SyntheticRun(p=3, steps=8))
    return paths


def test_cards_say_what_the_entries_say(paths):
    write_index(paths, ENTRIES, {"key": "<value>"})
    html = paths.index().read_text()
    assert '<a class="card" href="figures/one.html"><strong>Title &amp; one</strong>' in html
    assert "Run “first”. What &lt;it&gt; shows." in html
    assert "Run “second”: is the explanation faithful?" in html
    assert 'href="second/validation.json"' in html
    assert "&#34;&lt;value&gt;&#34;" in html
    assert html.count("Final validation accuracy") == 2


def test_a_run_without_accuracy_has_only_its_steps(paths):
    table = pd.read_parquet(paths.metrics("first"))
    table.drop(columns="train_accuracy").to_parquet(paths.metrics("first"))
    write_index(paths, ENTRIES, {})
    html = paths.index().read_text()
    assert html.count("Training steps") == 2
    assert html.count("Final validation accuracy") == 1


def test_missing_numbers_of_a_shown_run_name_their_rule(paths):
    paths.validation_summary("second").unlink()
    with pytest.raises(StoreError, match="Run the rule `validate_epk` again"):
        write_index(paths, ENTRIES, {})
    write_index(paths, ENTRIES[:1], {})
