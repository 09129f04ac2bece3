"""The validation numbers in plain words, for every page that shows them."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from explaind.report.text import number, percent

Row = tuple[str, str, str]

SHARES = {
    "model_accuracy": (
        "Model accuracy",
        "validation samples that the trained network answers correctly",
    ),
    "reformulated_accuracy": (
        "Reformulated accuracy",
        "the same for its reformulation by the path kernel (initial + data + decay)",
    ),
    "argmax_agreement": (
        "Same answer",
        "validation samples to which the network and its reformulation give the same answer",
    ),
}
DISTANCES = {
    "kl_mean_per_sample": (
        "Divergence",
        "mean Kullback-Leibler divergence per sample, network to reformulation; 0 is perfect",
    ),
    "deviation_mean": (
        "Mean deviation",
        "mean of |true minus reformulated| over all outputs of all validation samples",
    ),
    "deviation_max": ("Largest deviation", "the worst single output"),
    "deviation_std": (
        "Standard deviation",
        "spread of true minus reformulated over all outputs",
    ),
}


def statistics_rows(statistics: Mapping[str, Any]) -> list[Row]:
    """Return the numbers of `validation.json` as rows of (name, value, meaning)."""
    shares = [(name, percent(float(statistics[key])), text) for key, (name, text) in SHARES.items()]
    distances = [
        (name, f"{number(float(statistics[key]))} nat", text)
        for key, (name, text) in DISTANCES.items()
    ]
    return shares + distances


def closure_rows(closure: pd.DataFrame, unit: str) -> list[Row]:
    """Return how much of the explained output is left unexplained, and why, as rows.

    Args:
        closure: the table of `closure_table`.
        unit: unit of the explained output.
    """
    sizes = {
        "residual": ("Residual", "|final output minus initial, data and decay part|"),
        "rounding": (
            "Rounding in it",
            "of the trained updates and of this computation; no finer integration removes it",
        ),
    }
    rows = [
        (f"{name}, {which} sample", f"{number(value)} {unit}", text)
        for column, (name, text) in sizes.items()
        for which, value in _median_and_worst(closure[column].abs())
    ]
    text = "sum of |step residual| over all steps, relative to the sum of |change|"
    shares = _median_and_worst(closure["residual_share"])
    return rows + [
        (f"Residual share, {which} sample", percent(value), text) for which, value in shares
    ]


def _median_and_worst(values: pd.Series) -> list[tuple[str, float]]:
    return [("median", float(values.median())), ("worst", float(values.max()))]
