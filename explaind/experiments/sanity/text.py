"""The answers of the sanity experiments in words, worked out from their tables."""

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd
from markupsafe import Markup

from explaind.experiments.label_noise.tables import AREA
from explaind.experiments.leave_group_out.tables import CORRELATION
from explaind.report.tables.power import ENOUGH
from explaind.report.text import number, percent, signed

Row = tuple[str, ...]

SMALL, LARGE = 0.5, 2.0  # slopes between them: the size of the change is about the predicted one

SAME = "no significant difference"
CHANCE = {
    "better": "finds flipped labels better than chance",
    "worse": "finds flipped labels worse than chance",
    SAME: "is not significantly different from chance",
}
BASELINE = {
    "better": "better than",
    "worse": "worse than",
    SAME: "not significantly different from",
}
REMOVED = {"none": "Nothing", "top": "Most helpful", "bottom": "Most harmful", "random": "Random"}
RETRAINED = (
    *("Removed", "Predicted change (nat)", "Actual change (nat)"),
    *("Training accuracy", "Validation accuracy", "Retraining"),
)
"""Titles of the columns of `retraining_rows`."""


def noise_size(noise: pd.DataFrame) -> str:
    """Say how much was measured with flipped labels.

    Args:
        noise: the table of the experiment `label_noise`.

    Returns:
        How many sets of how many samples.
    """
    counts = noise.groupby("seed")["flipped"].agg(["sum", "size"])
    flipped, correct = _from_to(counts["sum"]), _from_to(counts["size"] - counts["sum"])
    return f"{len(counts)} sets of {flipped} flipped and {correct} correct labels"


def noise_answer(means: pd.DataFrame, comparison: pd.DataFrame, size: str) -> Markup:
    """Say whether influence finds flipped labels, and whether better than loss and gradient norm.

    Args:
        means: the table of `auc_means`.
        comparison: the table of `auc_comparison`.
        size: how much was measured.

    Returns:
        The answer.
    """
    area = {row["score"]: _area(row) for row in means.to_dict("records")}
    chance = means.set_index("score")["verdict"]
    verdicts = comparison.set_index(["score", "baseline"])["verdict"]
    sentences = [
        Markup(
            "<strong>{} {}</strong> (area {}); it is {} the loss (area {}) and {} the gradient "
            "norm (area {}) at the end of training."
        ).format(
            *(score.capitalize(), CHANCE[chance[score]], area[score]),
            *(BASELINE[verdicts[score, "loss"]], area["loss"]),
            *(BASELINE[verdicts[score, "gradient norm"]], area["gradient norm"]),
        )
        for score in comparison["score"].unique()
    ]
    return Markup(
        "{} Means over {}, for each of which the network was retrained; ranges are 95 % intervals "
        "by bootstrap over the sets and the samples in them. “Not significantly different”: the "
        "interval of the difference includes 0."
    ).format(Markup(" ").join(sentences), size)


def noise_without_power(power: float, size: str) -> str:
    """Say that too little was measured with flipped labels for an answer.

    Args:
        power: see `noise_power`.
        size: how much was measured.

    Returns:
        What is missing, and what to change.
    """
    return _without_power(power, f"an area of {AREA} from chance", size) + (
        "Rank more samples (ranked) or flip more sets of labels (seeds)."
    )


def removal_answer(correlations: pd.DataFrame, means: pd.DataFrame) -> Markup:
    """Say whether the change was what influence predicted.

    Args:
        correlations: the table of `group_correlations`.
        means: the table of `group_means`.

    Returns:
        The answer.
    """
    all_groups = correlations.to_dict("records")[0]
    control = float(means.loc[means["group"] == "none", "actual"].iloc[0])
    return Markup(
        "<strong>{related}</strong> Over {number} groups the correlation is {pearson}, the rank "
        "correlation of single targets is {by_target} on average. {size} The most helpful groups "
        "contain one another, so do the most harmful ones, and the network is retrained once "
        "without each, so the interval is, if anything, too narrow. Retraining with all samples "
        "changed the mean by {control} nat."
    ).format(
        related=_correlated(all_groups["low"], all_groups["high"]),
        number=int(all_groups["number"]),
        pearson=_interval(all_groups, "pearson"),
        by_target=_with_margin(all_groups["target_spearman"], all_groups["target_margin"]),
        size=_size(float(all_groups["slope"])),
        control=signed(control),
    )


def failures(means: pd.DataFrame) -> str:
    """Say how many retrainings failed, and what that means.

    Args:
        means: the table of `group_means`.

    Returns:
        One or two sentences.
    """
    count, failed = len(means), int((~means["learned"]).sum())
    rule = (
        "its training accuracy exceeds that of always answering the most frequent class by at most "
        "half of what the network trained with all samples does"
    )
    if not failed:
        return f"None of {count} retrainings failed (a retraining fails if {rule})."
    return (
        f"{failed} of {count} retrainings failed: a retraining fails if {rule}. What failed is "
        "marked, and left out of the correlations."
    )


def removal_without_power(correlations: pd.DataFrame) -> str:
    """Say that too few networks were retrained for an answer.

    Args:
        correlations: the table of `group_correlations`.

    Returns:
        What is missing, and what to change.
    """
    groups = correlations.to_dict("records")[0]
    effect = f"a correlation of {CORRELATION} from none"
    size = f"{groups['number']} retrainings that learned"
    return _without_power(groups["power"], effect, size) + (
        "Leave out more random groups (draws) or groups of more sizes (shares)."
    )


def correlation_rows(correlations: pd.DataFrame) -> list[Row]:
    """Return rows of (groups, number, meaning) for the sets of groups that have power."""
    rows: list[Row] = []
    for groups in correlations.to_dict("records"):
        name, count = groups["groups"], groups["number"]
        if groups["power"] < ENOUGH:
            rows.append((f"Correlation, {name}", "not shown", f"{count} groups are too few"))
            continue
        rows += [
            (
                f"Correlation, {name}",
                _interval(groups, "pearson"),
                f"Pearson, 95 % interval; predicted with actual change, {count} groups",
            ),
            (f"Rank correlation, {name}", number(groups["spearman"]), "Spearman, the same"),
            (
                f"Rank correlation of single targets, {name}",
                _with_margin(groups["target_spearman"], groups["target_margin"]),
                "Spearman over the groups, mean over the targets",
            ),
            (
                f"Slope, {name}",
                signed(groups["slope"]),
                "actual change per predicted change, least squares through zero; 1 is perfect",
            ),
        ]
    return rows


def retraining_rows(means: pd.DataFrame) -> list[Row]:
    """List the retrained networks.

    Args:
        means: the table of `group_means`.

    Returns:
        One row per network, with the columns `RETRAINED`.
    """
    return [
        (
            f"{REMOVED[row['group']]} {percent(row['share']) if row['removed'] else ''}".rstrip(),
            signed(row["predicted"]),
            signed(row["actual"]),
            percent(row["train_accuracy"]),
            percent(row["validation_accuracy"]),
            "learned" if row["learned"] else "failed",
        )
        for row in means.to_dict("records")
    ]


def _without_power(power: float, effect: str, size: str) -> str:
    return (
        f"Too little was measured for an answer: {size} would tell {effect} with a probability of "
        f"{percent(power)}; {percent(ENOUGH)} are asked for. "
    )


def _area(row: Mapping[Hashable, Any]) -> str:
    mean, low, high = (number(row[column], 2) for column in ("auc", "low", "high"))
    return f"{mean}, {low} to {high}"


def _interval(row: Mapping[Hashable, Any], name: str) -> str:
    low, high = (number(row[end], 2) for end in ("low", "high"))
    return f"{number(row[name], 2)} ({low} to {high})"


def _from_to(counts: pd.Series) -> str:
    low, high = int(counts.min()), int(counts.max())
    return str(low) if low == high else f"{low} to {high}"


def _with_margin(mean: float, margin: float) -> str:
    return f"{number(mean)} ± {number(margin, 2)}"


def _correlated(low: float, high: float) -> str:
    if low > 0:
        return "Where influence predicts more, the mean margin changes more."
    if high < 0:
        return "The mean change runs against the prediction of influence."
    return "No relation between the predicted and the actual change of the mean is seen."


def _size(slope: float) -> str:
    per = f"Per nat predicted the margin changed by {signed(slope, 2)} nat"
    if SMALL <= slope <= LARGE:
        return f"{per}: about as much as predicted."
    if slope > LARGE:
        return f"{per}: more than predicted."
    return f"{per}: less than predicted." if slope > 0 else f"{per}: not what was predicted."
