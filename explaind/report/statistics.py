"""Numbers of a run in plain words, for every page that shows them."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from explaind.report.page import Fact
from explaind.report.tables.phases import HELD, find_phases, has_accuracy
from explaind.report.text import number, percent, step

Row = tuple[str, str, str]

FRACTIONS = {
    "model_accuracy": (
        "Model accuracy",
        "validation samples that the trained network predicts correctly",
    ),
    "reformulated_accuracy": (
        "Reformulated accuracy",
        "the same for its reformulation by the path kernel",
    ),
    "argmax_agreement": (
        "Prediction agreement",
        "validation samples for which the network and its reformulation predict the same class",
    ),
}
DISTANCES = {
    "kl_mean_per_sample": (
        "KL divergence",
        "from network to reformulation, mean per sample; 0 is perfect",
    ),
    "deviation_mean": (
        "Mean absolute error",
        "mean of |true minus reformulated| over all outputs of all validation samples",
    ),
    "deviation_max": ("Largest absolute error", "the worst single output"),
    "deviation_std": (
        "Standard deviation of the error",
        "of true minus reformulated over all outputs",
    ),
}


def learning_facts(metrics: pd.DataFrame) -> tuple[Fact, ...]:
    """Sum up how a run learned.

    Args:
        metrics: the metrics table, one row per step.

    Returns:
        Its number of steps and, where accuracy was measured, what was reached when.
    """
    last, phases = metrics.iloc[-1], find_phases(metrics)
    steps = Fact("Training steps", step(int(last["step"])), "updates of the parameters")
    if not has_accuracy(metrics):
        return (steps,)
    return (
        steps,
        Fact("Memorised at step", step(phases.memorisation), f"training accuracy {HELD}"),
        Fact("Generalised at step", step(phases.generalisation), f"validation accuracy {HELD}"),
        Fact(
            "Final validation accuracy",
            percent(last["validation_accuracy"]),
            f"training: {percent(last['train_accuracy'])}",
        ),
    )


def statistics_rows(statistics: Mapping[str, Any]) -> list[Row]:
    """Put the numbers of `validation.json` in words.

    Args:
        statistics: the numbers.

    Returns:
        Rows of (name, value, meaning).
    """
    fractions = [
        (name, percent(float(statistics[key])), text) for key, (name, text) in FRACTIONS.items()
    ]
    distances = [
        (name, f"{number(float(statistics[key]))} nat", text)
        for key, (name, text) in DISTANCES.items()
    ]
    return fractions + distances


def completeness_rows(completeness: pd.DataFrame, unit: str) -> list[Row]:
    """Say how much of the explained output is left unexplained, and why.

    Args:
        completeness: the table of `decomposition_by_sample`.
        unit: unit of the explained output.

    Returns:
        Rows of (name, value, meaning).
    """
    sizes = {
        "residual": ("Residual", "|final minus initial output, training data and regularisation|"),
        "rounding": (
            "Of which rounding",
            "of the trained updates and of this computation; no finer integration removes it",
        ),
    }
    rows = [
        (f"{name}, {which} sample", f"{number(value)} {unit}", text)
        for column, (name, text) in sizes.items()
        for which, value in _median_and_worst(completeness[column].abs())
    ]
    text = "sum of |step residual| over all steps, relative to the sum of |change|"
    fractions = _median_and_worst(completeness["residual_share"])
    return rows + [
        (f"Relative residual, {which} sample", percent(value), text) for which, value in fractions
    ]


def _median_and_worst(values: pd.Series) -> list[tuple[str, float]]:
    return [("median", float(values.median())), ("worst", float(values.max()))]
