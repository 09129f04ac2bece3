"""Where the numbers of a run come from, and what they cost."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from explaind.report.statistics import Row
from explaind.report.text import duration
from explaind.store import MADE_WITH

NOT_RECORDED = "not recorded"
DIGITS = 12  # of a checksum; the store has all of them
GIGABYTES = 2**20 / 1e9  # in what Snakemake calls a megabyte


def provenance_rows(history: Mapping[str, Any]) -> list[Row]:
    """Say what a run was trained with.

    Args:
        history: attributes of its history store.

    Returns:
        Rows of (name, value, meaning).
    """
    made, config = history.get(MADE_WITH, {}), history["config"]
    seeds = {"split": config["dataset"], "model": config["model"], "batches": config["training"]}
    drawn = [f"{name} {values['seed']}" for name, values in seeds.items() if "seed" in values]
    versions = [f"{name} {made[name]}" for name in ("torch", "python") if name in made]
    return [
        ("Versions", ", ".join([f"explaind {history['explaind_version']}", *versions]), ""),
        ("Commit", made.get("commit") or NOT_RECORDED, "of explaind, if it ran from a checkout"),
        ("Device", made.get("device", NOT_RECORDED), "that the network was trained on"),
        ("Seeds", ", ".join(drawn), "of the random numbers"),
        ("Data", f"{config['dataset']['kind']}, {history['data'][:DIGITS]}", "and its sha256"),
    ]


def cost_rows(benchmarks: Mapping[str, Path]) -> list[Row]:
    """Say what the jobs of a run cost, as Snakemake measured it.

    Args:
        benchmarks: the tables of time and memory by job; one that is missing was run by hand.

    Returns:
        Rows of (name, value, meaning): all jobs together, then each; empty if none was measured.
    """
    measured = {job: _measured(path) for job, path in benchmarks.items() if path.is_file()}
    if not measured:
        return []
    costs = pd.DataFrame.from_dict(measured, orient="index")
    total = _cost(costs["s"].sum(), costs["max_rss"].max())
    rows = [(job, _cost(*costs.loc[job, ["s", "max_rss"]]), "") for job in measured]
    return [("All jobs", total, "times added up, and the largest peak"), *rows]


def _measured(path: Path) -> pd.Series:
    """Seconds and megabytes of a job."""
    table = pd.read_csv(path, sep="\t", na_values=["-", "NA"])
    return table[["s", "max_rss"]].astype(float).iloc[-1]


def _cost(seconds: float, megabytes: float) -> str:
    """Time, and the peak of memory unless the job was too short for that to be measured."""
    if math.isnan(megabytes):
        return duration(seconds)
    return f"{duration(seconds)}, peak {megabytes * GIGABYTES:.2f} GB"
