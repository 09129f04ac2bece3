"""The answer of the pruning experiment in words, worked out from its comparison."""

import pandas as pd

from explaind.report.text import number, signed

METHOD, QUOTA = "influence", "global"  # the method of the publication
EXISTING = ("magnitude", "Taylor")
UNITS = {"accuracy": "", "agreement": "", "kl": " nat"}
NAMES = {"accuracy": "accuracy", "agreement": "same answer", "kl": "divergence"}


def answer_html(comparison: pd.DataFrame, seeds: int) -> str:
    """Say whether pruning by influence is comparable to existing methods.

    Args:
        comparison: the table of `pruning_comparison`.
        seeds: number of divisions of the validation samples.
    """
    rows = _rows(comparison)
    existing = rows[rows["baseline"].isin(EXISTING)]
    chance = rows[~rows["baseline"].isin(EXISTING)]
    counts = existing["verdict"].value_counts()
    better, worse, open_ = (
        int(counts.get(name, 0)) for name in ("better", "worse", "not told apart")
    )
    return (
        "The publication calls pruning by influence (all layers together) comparable to existing "
        f"methods. <strong>{_conclusion(better, worse)}</strong> Of {len(existing)} comparisons "
        f"with magnitude and Taylor pruning (two grids, three metrics) it is better in {better}, "
        f"worse in {worse} and not told apart in {open_}; it is better than random pruning in "
        f"{int((chance['verdict'] == 'better').sum())} of {len(chance)}. Each metric is averaged "
        "over the grid; the difference is paired by division, and “not told apart” means that its "
        f"95 % interval includes zero, not that the methods are equal. The {seeds} divisions share "
        "one set of validation samples and one trained network: the intervals say nothing about "
        "another training, and they are not corrected for the number of comparisons."
    )


def comparison_rows(comparison: pd.DataFrame) -> list[tuple[str, str, str]]:
    """Rows of (comparison, difference, meaning) for the method of the publication."""
    return [
        (
            f"{row['grid'].capitalize()} grid, {NAMES[row['metric']]}, against {row['baseline']}",
            f"{signed(row['difference'])} ± {number(row['margin'], 2)}{UNITS[row['metric']]}",
            f"{row['verdict']} ({number(row['mean'])} and {number(row['baseline_mean'])})",
        )
        for row in _rows(comparison).to_dict("records")
    ]


def _rows(comparison: pd.DataFrame) -> pd.DataFrame:
    return comparison[(comparison["method"] == METHOD) & (comparison["quota"] == QUOTA)]


def _conclusion(better: int, worse: int) -> str:
    if better and worse:
        return "Here the answer depends on the grid, the metric and the other method."
    if worse:
        return "Here it is not: it is never better, and worse in some comparisons."
    if better:
        return "Here it is: it is never worse, and better in some comparisons."
    return "Here nothing contradicts that: no difference is larger than its uncertainty."
