"""The answers of the sanity experiments in words, worked out from their tables."""

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from explaind.report.text import number, percent, signed

Row = tuple[str, str, str]

SMALL, LARGE = 0.5, 2.0  # slopes between them: the size of the change is about the predicted one


def noise_answer_html(means: pd.DataFrame, comparison: pd.DataFrame, seeds: int) -> str:
    """Say whether influence finds wrong labels, and whether better than loss and gradient norm.

    Args:
        means: the table of `auc_means`.
        comparison: the table of `auc_comparison`.
        seeds: number of sets of flipped labels.
    """
    area = {
        row["score"]: _with_margin(row["auc"], row["margin"]) for row in means.to_dict("records")
    }
    chance = means.set_index("score")["verdict"]
    verdicts = comparison.set_index(["score", "baseline"])["verdict"]
    sentences = [
        f"<strong>{score.capitalize()} {_chance(chance[score])}</strong> (area "
        f"{area[score]}); it is {_against(verdicts[score, 'loss'])} the loss ({area['loss']}) and "
        f"{_against(verdicts[score, 'gradient norm'])} the gradient norm "
        f"({area['gradient norm']}) at the end of training."
        for score in comparison["score"].unique()
    ]
    return (
        f"{' '.join(sentences)} Means of {seeds} sets of flipped labels, for each of which the "
        "network was trained anew, ± half of the 95 % interval (Student's t); differences are "
        "paired. “Not told apart from” means that the interval of the difference includes zero."
    )


def removal_answer_html(correlations: pd.DataFrame, means: pd.DataFrame) -> str:
    """Say whether the change was what influence predicted.

    Args:
        correlations: the table of `group_correlations`.
        means: the table of `group_means`.
    """
    all_groups = correlations.to_dict("records")[0]
    control = float(means.loc[means["group"] == "none", "actual"].iloc[0])
    return (
        f"<strong>{_correlated(all_groups['low'], all_groups['high'])}</strong> Over "
        f"{int(all_groups['number'])} groups the correlation is {_pearson(all_groups)}; the rank "
        "correlation of single targets is "
        f"{_with_margin(all_groups['target_spearman'], all_groups['target_margin'])} in the mean. "
        f"{_size(float(all_groups['slope']))} Influence divides the training that took place; "
        "without some samples the others take other steps, which it says nothing about. Groups "
        "contain one another and the network is trained once without each, so the interval is, if "
        "anything, too narrow. Training again with all samples changed the mean by "
        f"{signed(control)} nat."
    )


def correlation_rows(correlations: pd.DataFrame) -> list[Row]:
    """Rows of (groups, number, meaning)."""
    return [
        row
        for found in correlations.to_dict("records")
        for row in (
            (
                f"Correlation, {found['groups']}",
                _pearson(found),
                f"Pearson, predicted with actual change, {found['number']} groups",
            ),
            (
                f"Rank correlation, {found['groups']}",
                number(found["spearman"]),
                "Spearman, the same",
            ),
            (
                f"Rank correlation of single targets, {found['groups']}",
                _with_margin(found["target_spearman"], found["target_margin"]),
                "Spearman over the groups, mean over the targets",
            ),
            (
                f"Slope, {found['groups']}",
                signed(found["slope"]),
                "actual change per predicted change, least squares through zero; 1 is perfect",
            ),
        )
    ]


def extreme_rows(means: pd.DataFrame) -> list[Row]:
    """Rows of (group, actual change, meaning) for the most helpful and most harmful samples."""
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


def _pearson(found: Mapping[Hashable, Any]) -> str:
    low, high = (number(found[name], 2) for name in ("low", "high"))
    return f"{number(found['pearson'], 2)} (95 % interval {low} to {high})"


def _chance(verdict: str) -> str:
    return {
        "better": "finds wrong labels better than chance",
        "worse": "finds wrong labels worse than chance",
        "not told apart": "is not told apart from chance",
    }[verdict]


def _against(verdict: str) -> str:
    return f"{verdict} {'from' if verdict == 'not told apart' else 'than'}"


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
