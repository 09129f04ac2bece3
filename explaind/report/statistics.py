"""Numbers of a run in plain words, for every page that shows them."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from explaind.report.page import Fact
from explaind.report.tables.cancellation import whole_run
from explaind.report.tables.metrics import has_accuracy
from explaind.report.tables.phases import HELD, find_phases
from explaind.report.text import measured, number, percent, signed, step

Row = tuple[str, str, str]

SPLITS = ("validation", "train")

FRACTIONS = {
    "model_accuracy": (
        "Model accuracy",
        "validation samples that the trained network predicts correctly",
    ),
    "reformulated_accuracy": (
        "Reformulated accuracy",
        "the same for its reformulation by the path kernel",
    ),
    "relative_error": (
        "Relative error",
        "of true minus reformulated (root mean square), by the standard deviation of the outputs",
    ),
    "argmax_agreement": (
        "Prediction agreement",
        "validation samples for which the network and its reformulation predict the same class",
    ),
}
DISTANCES = {
    "kl_mean_per_sample": (
        "KL divergence",
        "nat",
        "from network to reformulation, after dividing by the sums below; mean per sample",
    ),
    "absolute_error_mean": (
        "Mean absolute error",
        "",
        "mean of |true minus reformulated| over all outputs of all validation samples",
    ),
    "absolute_error_max": ("Largest absolute error", "", "the worst single output"),
    "error_std": (
        "Standard deviation of the error",
        "",
        "of true minus reformulated over all outputs",
    ),
}
"""Name, unit (none = that of the outputs) and meaning."""

SUMS = (
    "what they are divided by: sum over the classes of exp(reformulated), relative to that of "
    "exp(true), smallest to largest of any sample; 1 is perfect"
)


def learning_facts(metrics: pd.DataFrame) -> tuple[Fact, ...]:
    """Sum up how a run learned.

    Args:
        metrics: the metrics table, one row per step.

    Returns:
        Its number of steps; where accuracy was measured, the last one; and when the run memorised
        and generalised, if it did so one after the other.
    """
    last, phases = metrics.iloc[-1], find_phases(metrics)
    facts = [Fact("Training steps", step(int(last["step"])), "updates of the parameters")]
    if phases.memorisation is not None:
        of_validation = f"validation accuracy {HELD} or to the end"
        facts += [
            Fact("Memorised at step", step(phases.memorisation), f"training accuracy {HELD}"),
            Fact("Generalised at step", step(phases.generalisation), of_validation),
        ]
    if has_accuracy(metrics):
        validation, train = (percent(last[f"{split}_accuracy"]) for split in SPLITS)
        facts.append(Fact("Final validation accuracy", validation, f"training: {train}"))
    return tuple(facts)


def has_classes(statistics: Mapping[str, Any]) -> bool:
    """Return whether the numbers of `validation.json` are those of a classifier."""
    return "argmax_agreement" in statistics


def statistics_rows(statistics: Mapping[str, Any]) -> list[Row]:
    """Put the numbers of `validation.json` in words.

    Args:
        statistics: the numbers.

    Returns:
        Rows of (name, value, meaning).
    """
    fractions = [
        (name, percent(float(statistics[key])), text)
        for key, (name, text) in FRACTIONS.items()
        if key in statistics
    ]
    distances = [
        (name, measured(number(float(statistics[key])), unit or statistics["unit"]), text)
        for key, (name, unit, text) in DISTANCES.items()
        if key in statistics
    ]
    if not has_classes(statistics):
        return [*fractions, *distances]
    low, high = (number(float(statistics[f"probability_sum_{end}"]), 4) for end in ("min", "max"))
    return [*fractions, *distances, ("Sums of probabilities", f"{low} to {high}", SUMS)]


def cancellation_rows(table: pd.DataFrame, names: Mapping[str, str], unit: str) -> list[Row]:
    """Say how large the influences are that the net influence of the training data is the sum of.

    Args:
        table: the table of `cancellation`, not empty.
        names: what its groups of classes are called.
        unit: unit of the explained output.

    Returns:
        Rows of (name, value, meaning).
    """
    rows = []
    for classes, row in whole_run(table).iterrows():
        raised, lowered = (measured(signed(row[sign]), unit) for sign in ("raised", "lowered"))
        gross = measured(number(row["gross"]), unit)
        meaning = f"{raised} and {lowered}, {gross} in absolute value"
        name = f"Training data, {names[str(classes)]}"
        rows.append((name, measured(signed(row["net"]), unit), meaning))
    return rows


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
        (f"{name}, {which} sample", measured(number(value), unit), text)
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
