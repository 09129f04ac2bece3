"""The validation numbers in plain words, for every page that shows them."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from explaind.figures.text import number, percent

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
    """Return how well the explanation of the explained output adds up, as rows.

    Args:
        closure: the table of `closure_table`.
        unit: unit of the explained output.
    """
    gap, share = closure["gap"], closure["residual_share"]
    text = "sum of |residual| over all steps, relative to the sum of |change|"
    return [
        (
            "Largest gap",
            f"{number(float(gap.abs().max()))} {unit}",
            "initial + data + decay + residual minus final output, worst sample; rounding error",
        ),
        ("Residual share, median sample", percent(float(share.median())), text),
        ("Residual share, worst sample", percent(float(share.max())), text),
    ]
