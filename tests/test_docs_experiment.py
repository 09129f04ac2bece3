"""docs/add_an_experiment.md, done as it says: an experiment and its page in one folder."""

import pandas as pd
import pytest

from explaind.files import write_text
from explaind.paths import Paths
from explaind.store import open_sealed
from tests.documents import files_shown, read

DOCUMENT = "docs/add_an_experiment.md"
REGISTRY = "explaind/experiments/registry.py"
PAGE, LINKING = "results/figures/average.html", "results/figures/training.html"
CONFIG = ("--config", "experiments={average: {run: grokking}}")


@pytest.fixture
def added(project):
    """The finished tiny run with the files and the two lines of the document."""
    files = files_shown(DOCUMENT)
    imported, listed = files.pop(REGISTRY).splitlines(keepends=True)
    for file, text in files.items():
        write_text(project.root / file, text)
    before = "from explaind.experiments.epk_validation import"
    project.replace(REGISTRY, before, imported + before)
    project.replace(REGISTRY, "        GROKKING,\n", "        GROKKING,\n" + listed)
    return project


@pytest.mark.long
def test_it_runs_through_the_workflow_and_nothing_else_is_computed_again(added):
    assert added.planned() == {}  # as long as no config names it
    planned = added.planned(*CONFIG)
    assert planned.items() >= {"average": 1, "page_average": 1, "report": 1}.items()
    assert all(rule.startswith("page_") for rule in planned.keys() - {"average", "report"})

    added.snakemake(*CONFIG, "--", PAGE, LINKING)

    paths = Paths(added.root)
    influence = open_sealed(paths.influence("grokking"))["influence"].load()
    means = influence.mean(("test", "output")).to_series()
    table = pd.read_csv(paths.table("average", "average", "csv"))
    pd.testing.assert_series_equal(
        table["influence"],
        means.sort_values(ascending=False).reset_index(drop=True),
        check_dtype=False,
        rtol=1e-6,
    )
    assert "Average influence" in (added.root / PAGE).read_text()
    assert 'href="average.html"' in (added.root / LINKING).read_text()
    left = added.planned(*CONFIG).keys()
    assert not left & {"average", "page_average", "page_training"}


def test_it_is_listed_everywhere(added):
    summary = "Training samples by their influence on average."
    listed = added.snakemake(*CONFIG, "--list-rules")
    assert f"average ({summary})" in listed
    assert f"page_average (Draw the page “Average influence”. {summary})" in listed
    assert "page-average" in added.explaind("--help")
    reference = added.call("explaind.config.reference")
    assert "## `experiments.<name>`, kind `average`" in reference


def test_it_is_no_longer_than_said():
    assert len(read(DOCUMENT).splitlines()) < 40
