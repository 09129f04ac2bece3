"""The answers of the sanity experiments in words, worked out from their tables."""

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd
from markupsafe import Markup

from explaind.report.text import number, percent, signed

Row = tuple[str, str, str]

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


def noise_answer(means: pd.DataFrame, comparison: pd.DataFrame, seeds: int) -> Markup:
    """Say whether influence finds flipped labels, and whether better than loss and gradient norm.

    Args:
        means: the table of `auc_means`.
        comparison: the table of `auc_comparison`.
        seeds: number of sets of flipped labels.

    Returns:
        The answer.
    """
    area = {
        row["score"]: _with_margin(row["auc"], row["margin"]) for row in means.to_dict("records")
    }
    chance = means.set_index("score")["verdict"]
    verdicts = comparison.set_index(["score", "baseline"])["verdict"]
    sentences = [
        Markup(
            "<strong>{} {}</strong> (area {}); it is {} the loss ({}) and {} the gradient norm ({})"
            " at the end of training."
        ).format(
            *(score.capitalize(), CHANCE[chance[score]], area[score]),
            *(BASELINE[verdicts[score, "loss"]], area["loss"]),
            *(BASELINE[verdicts[score, "gradient norm"]], area["gradient norm"]),
        )
        for score in comparison["score"].unique()
    ]
    return Markup(
        "{} Means of {} sets of flipped labels, for each of which the network was retrained, ± "
        "half of the 95 % interval (Student's t); differences are paired. “Not significantly "
        "different” means that the interval of the difference includes 0."
    ).format(Markup(" ").join(sentences), seeds)


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
        "<strong>{related}</strong> Over {number} groups the correlation is {pearson}; the rank "
        "correlation of single targets is {by_target} on average. {size} Influence decomposes the "
        "training that took place; without some samples the others take other steps, which it says "
        "nothing about. Groups contain one another and the network is retrained once without each, "
        "so the interval is, if anything, too narrow. Retraining with all samples changed the mean "
        "by {control} nat."
    ).format(
        related=_correlated(all_groups["low"], all_groups["high"]),
        number=int(all_groups["number"]),
        pearson=_pearson(all_groups),
        by_target=_with_margin(all_groups["target_spearman"], all_groups["target_margin"]),
        size=_size(float(all_groups["slope"])),
        control=signed(control),
    )


def correlation_rows(correlations: pd.DataFrame) -> list[Row]:
    """Return rows of (groups, number, meaning)."""
    return [
        row
        for groups in correlations.to_dict("records")
        for row in (
            (
                f"Correlation, {groups['groups']}",
                _pearson(groups),
                f"Pearson, predicted with actual change, {groups['number']} groups",
            ),
            (
                f"Rank correlation, {groups['groups']}",
                number(groups["spearman"]),
                "Spearman, the same",
            ),
            (
                f"Rank correlation of single targets, {groups['groups']}",
                _with_margin(groups["target_spearman"], groups["target_margin"]),
                "Spearman over the groups, mean over the targets",
            ),
            (
                f"Slope, {groups['groups']}",
                signed(groups["slope"]),
                "actual change per predicted change, least squares through zero; 1 is perfect",
            ),
        )
    ]


def extreme_rows(means: pd.DataFrame) -> list[Row]:
    """Return rows of (group, actual change, meaning) for the most helpful and harmful."""
    names = {"top": "most helpful", "bottom": "most harmful"}
    return [
        (
            f"Without the {names[row['group']]} {percent(row['share'])}",
            f"{signed(row['actual'])} nat",
            f"{signed(row['predicted'])} nat predicted",
        )
        for row in means[means["group"].isin(names)].to_dict("records")
    ]


def _with_margin(mean: float, margin: float) -> str:
    return f"{number(mean)} ± {number(margin, 2)}"


def _pearson(groups: Mapping[Hashable, Any]) -> str:
    low, high = (number(groups[name], 2) for name in ("low", "high"))
    return f"{number(groups['pearson'], 2)} (95 % interval {low} to {high})"


def _correlated(low: float, high: float) -> str:
    if low > 0:
        return "Where influence predicts more, the mean log-probability changes more."
    if high < 0:
        return "The mean change runs against the prediction of influence."
    return "No relation between the predicted and the actual change of the mean is seen."


def _size(slope: float) -> str:
    per = f"Per nat predicted the log-probability changed by {signed(slope, 2)} nat"
    if SMALL <= slope <= LARGE:
        return f"{per}: about as much as predicted."
    if slope > LARGE:
        return f"{per}: more than predicted."
    return f"{per}: less than predicted." if slope > 0 else f"{per}: not what was predicted."
