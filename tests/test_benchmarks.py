"""Timed comparisons: that they start, and what needs no time to be told."""

from importlib import import_module

import pytest
import typer
from typer.testing import CliRunner

from benchmarks.rules import by_rule, read_jobs
from explaind.files import write_text
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


MEASURED = {  # as Snakemake writes it; "-" where a job was too short
    "run/benchmarks/predict_epk_0of2.tsv": ("10.5", "1000", "9.0"),
    "run/benchmarks/predict_epk_1of2.tsv": ("11.5", "3000", "10.0"),
    "run/benchmarks/pruning_part_pruning_all.tsv": ("1.0", "-", "0.5"),
    "encoders/benchmarks/train_encoder_first_0.tsv": ("30.0", "2000", "29.0"),
}


def test_what_snakemake_measured_is_added_up_by_rule(tmp_path):
    for name, values in MEASURED.items():
        header, row = ("s", "max_rss", "cpu_time"), values
        write_text(tmp_path / name, "\n".join("\t".join(cells) for cells in (header, row)))
    table = by_rule(read_jobs(tmp_path)).set_index(["run", "rule"])
    assert [rule for _, rule in table.index] == ["train_encoder", "predict_epk", "pruning_part", ""]
    predicted = table.loc["run", "predict_epk"]
    assert (predicted["jobs"], predicted["seconds"], predicted["processor"]) == (2, 22.0, 19.0)
    assert predicted["peak"] == pytest.approx(3000 * 2**20 / 1e9)
    whole = table.loc["all", ""]
    assert (whole["jobs"], whole["seconds"], whole["peak"]) == (4, 53.0, predicted["peak"])


def test_a_folder_without_measurements_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="was Snakemake run there"):
        read_jobs(tmp_path)
