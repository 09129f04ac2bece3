"""Time and memory of every rule of a whole run, from what Snakemake measured.

    python -m benchmarks.rules RESULTS

RESULTS is a folder `results` of the workflow. A rule that had several jobs (shards, parts,
replicates) has them added up, with the largest peak. Time by the clock grows with whatever else the
machine does; processor time hardly does.
"""

from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from explaind.experiments.registry import SPECS
from explaind.report.text import duration

GIGABYTES = 2**20 / 1e9
KERNEL = ("train", "train_encoder", "plan_epk", "predict_epk", "accumulate_kernel", "validate_epk")
RULES = {*KERNEL, *SPECS, *(f"{name}_part" for name in SPECS)}


def read_jobs(results: Path) -> pd.DataFrame:
    """Read what all jobs of a folder took.

    Args:
        results: the folder.

    Returns:
        One row per job: `run`, `rule`, `seconds`, `processor` (seconds) and `peak` (GB, NaN of a
        job too short to be measured).

    Raises:
        FileNotFoundError: nothing was measured there.
    """
    files = sorted(results.glob("**/benchmarks/*.tsv"))
    if not files:
        raise FileNotFoundError(f"expected {results}/*/benchmarks/*.tsv; was Snakemake run there?")
    rows = []
    for file in files:
        last = pd.read_csv(file, sep="\t", na_values=["-", "NA"]).iloc[-1]
        rows.append(
            {
                "run": str(file.parent.parent.relative_to(results)),
                "rule": rule_of(file.stem),
                "seconds": last["s"],
                "processor": last["cpu_time"],
                "peak": last["max_rss"] * GIGABYTES,
            }
        )
    return pd.DataFrame(rows)


def rule_of(job: str) -> str:
    """Return the rule of a job, whose name goes on with what tells it from others of the rule."""
    return max((rule for rule in RULES if f"{job}_".startswith(f"{rule}_")), key=len)


def by_rule(jobs: pd.DataFrame) -> pd.DataFrame:
    """Add up the jobs of every rule; the longest first, in the end all of them."""
    sums = {"jobs": ("rule", "size"), "seconds": ("seconds", "sum")}
    sums |= {"processor": ("processor", "sum"), "peak": ("peak", "max")}
    rules = jobs.groupby(["run", "rule"], as_index=False).agg(**sums)
    rules = rules.sort_values("seconds", ascending=False)
    whole = jobs.assign(run="all", rule="").groupby(["run", "rule"], as_index=False).agg(**sums)
    return pd.concat([rules, whole], ignore_index=True)


def main(results: Annotated[Path, typer.Argument(exists=True, file_okay=False)]) -> None:
    """Print the table."""
    table = by_rule(read_jobs(results))
    for column in ("seconds", "processor"):
        table[column] = table[column].map(duration)
    table["peak"] = table["peak"].map(lambda peak: f"{peak:.2f} GB")
    typer.echo(table.to_string(index=False))


if __name__ == "__main__":
    typer.run(main)
