"""The answer of the pruning experiment in words, worked out from its comparison."""

import pandas as pd
from markupsafe import Markup

from explaind.report.text import PAPER, number, signed

METHOD, SCOPE = "influence", "global"  # the method of the paper
EXISTING = ("magnitude", "Taylor")
UNITS = {"accuracy": "", "agreement": "", "kl": " nat"}
NAMES = {"accuracy": "accuracy", "agreement": "prediction agreement", "kl": "KL divergence"}


def answer(comparison: pd.DataFrame, seeds: int) -> Markup:
    """Say whether pruning by influence is comparable to existing methods.

    Args:
        comparison: the table of `pruning_comparison`.
        seeds: number of random splits of the validation samples.

    Returns:
        The answer.
    """
    rows = _rows(comparison)
    existing = rows[rows["baseline"].isin(EXISTING)]
    chance = rows[~rows["baseline"].isin(EXISTING)]
    counts = existing["verdict"].value_counts()
    better, worse = int(counts.get("better", 0)), int(counts.get("worse", 0))
    return Markup(
        "In {paper}, global pruning by influence is called comparable to existing methods. "
        "<strong>{conclusion}</strong> Of {all} comparisons with magnitude and Taylor pruning (two "
        "grids, three metrics) it is better in {better}, worse in {worse} and there is no "
        "significant difference in {neither}; it is better than random pruning in {random} of "
        "{all_random}. Each metric is averaged over the grid; the difference is paired by random "
        "split, and “no significant difference” means that its 95 % interval includes 0, not that "
        "the methods are equal. The {seeds} random splits share one set of validation samples and "
        "one trained network: the intervals say nothing about another training, and they are not "
        "corrected for the number of comparisons."
    ).format(
        paper=PAPER,
        conclusion=_conclusion(better, worse),
        all=len(existing),
        better=better,
        worse=worse,
        neither=len(existing) - better - worse,
        random=int((chance["verdict"] == "better").sum()),
        all_random=len(chance),
        seeds=seeds,
    )


def comparison_rows(comparison: pd.DataFrame) -> list[tuple[str, str, str]]:
    """List the comparisons of the method of the paper.

    Args:
        comparison: the table of `pruning_comparison`.

    Returns:
        Rows of (comparison, difference, meaning).
    """
    return [
        (
            f"{row['grid'].capitalize()} grid, {NAMES[row['metric']]}, against {row['baseline']}",
            f"{signed(row['difference'])} ± {number(row['margin'], 2)}{UNITS[row['metric']]}",
            f"{row['verdict']} ({number(row['mean'])} and {number(row['baseline_mean'])})",
        )
        for row in _rows(comparison).to_dict("records")
    ]


def _rows(comparison: pd.DataFrame) -> pd.DataFrame:
    return comparison[(comparison["method"] == METHOD) & (comparison["scope"] == SCOPE)]


def _conclusion(better: int, worse: int) -> str:
    if better and worse:
        return "Here the answer depends on the grid, the metric and the other method."
    if worse:
        return "Here it is not: it is never better, and worse in some comparisons."
    if better:
        return "Here it is: it is never worse, and better in some comparisons."
    return "Here nothing contradicts that: no difference is larger than its uncertainty."
