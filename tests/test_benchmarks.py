"""Timed comparisons: that they start, and what needs no time to be told."""

from importlib import import_module

import pytest
import typer
from typer.testing import CliRunner

from benchmarks.rules import KERNEL, by_rule, read_jobs
from tests.workflow.project import REPOSITORY

PROGRAMS = sorted(
    file.stem
    for file in (REPOSITORY / "benchmarks").glob("*.py")
    if "__main__" in file.read_text(encoding="utf-8")
)
NEEDS = {"chunks": "tensorstore"}  # compared with, and not installed with anything of ours


@pytest.mark.long
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the libraries that are compared
@pytest.mark.parametrize("name", PROGRAMS)
def test_every_benchmark_starts_and_says_what_it_takes(name):
    if name in NEEDS:
        pytest.importorskip(NEEDS[name])
    module = import_module(f"benchmarks.{name}")
    app = getattr(module, "app", typer.Typer())
    if not hasattr(module, "app"):
        app.command()(getattr(module, "main", None) or module.measure)
    shown = CliRunner().invoke(app, ["--help"])
    assert shown.exit_code == 0, shown.output
    assert "Usage:" in shown.output


def test_what_snakemake_measured_of_a_run_is_told_by_rule(tiny_run):
    jobs = read_jobs(tiny_run / "results")
    table = by_rule(jobs)
    assert {*KERNEL, "pruning"} - {*table["rule"]} <= {"train_encoder"}
    *rules, whole = table.to_dict("records")
    assert whole["run"] == "all"
    assert whole["jobs"] == len(jobs) == sum(row["jobs"] for row in rules)
    assert whole["seconds"] == pytest.approx(sum(row["seconds"] for row in rules))
    assert whole["peak"] == max(row["peak"] for row in rules)


def test_a_folder_without_measurements_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="was Snakemake run there"):
        read_jobs(tmp_path)
