"""docs/add_an_experiment.md, done as it says: an experiment and its page in one folder."""

import pandas as pd

from explaind.files import write_text
from explaind.paths import Paths
from explaind.store import open_sealed
from tests.documents import files_shown, read

DOCUMENT = "docs/add_an_experiment.md"
REGISTRY = "explaind/experiments/registry.py"
PAGE = "results/figures/average.html"
CONFIG = "experiments={average: {run: grokking}}"


def add(project):
    """Write the files and the two lines into a project."""
    files = files_shown(DOCUMENT)
    imported, listed = files.pop(REGISTRY).splitlines(keepends=True)
    for file, text in files.items():
        write_text(project.root / file, text)
    before = "from explaind.experiments.epk_validation import"
    project.replace(REGISTRY, before, imported + before)
    project.replace(REGISTRY, "        GROKKING,\n", "        GROKKING,\n" + listed)


def test_the_experiment_runs_through_the_workflow(project):
    add(project)
    influence = open_sealed(Paths(project.root).influence("grokking"))["influence"].load()

    output = project.snakemake("--config", CONFIG, "--", PAGE)

    assert "page_average" in output
    table = pd.read_csv(Paths(project.root).table("average", "average", "csv"))
    means = influence.mean(("test", "output")).to_series()
    assert table["influence"].tolist() == sorted(table["influence"], reverse=True)
    pd.testing.assert_series_equal(
        *(series.sort_values().reset_index(drop=True) for series in (table["influence"], means)),
        check_names=False,
        check_dtype=False,
        rtol=1e-6,
    )
    assert "Average influence" in (project.root / PAGE).read_text()
    assert not project.planned("--config", CONFIG).keys() & {"average", "page_average"}


def test_it_is_no_longer_than_said():
    assert len(read(DOCUMENT).splitlines()) < 40
