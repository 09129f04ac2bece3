"""What the experiment `leave_group_out` measured: predicted against actual change."""

import numpy as np
import pandas as pd
from scipy import stats

from explaind.report.tables.confidence import LEVEL, mean_and_margin

CASE = ["group", "share", "draw", "removed"]
SETS = {"all groups": ("top", "bottom", "random"), "random groups": ("random",)}


def group_means(table: pd.DataFrame) -> pd.DataFrame:
    """Average over the targets.

    Args:
        table: the table of the experiment.

    Returns:
        One row per group: `group`, `share`, `draw`, `removed` (number of samples), `before` (mean
        log-probability with all samples), `predicted` and `actual` change, nat.
    """
    columns = ["before", "predicted", "actual"]
    return table.groupby(CASE, sort=False)[columns].mean().reset_index()


def group_correlations(table: pd.DataFrame) -> pd.DataFrame:
    """Correlate the predicted with the actual change over all groups, and over the random ones.

    Args:
        table: the table of the experiment.

    Returns:
        One row per set of groups: `groups`, `number`; `pearson` with the ends `low` and `high` of
        its 95 % interval (Fisher), `spearman`, and `slope`, actual per predicted change through
        zero, of the means over the targets; `target_spearman`, the rank correlation of single
        targets, mean over the targets, with `target_margin`, half of its 95 % interval. NaN where
        a correlation is not defined, for fewer than three groups, say.
    """
    rows = []
    for name, kinds in SETS.items():
        chosen = table[table["group"].isin(kinds)]
        means = group_means(chosen)
        rows.append(
            {"groups": name, "number": len(means), **_of_means(means), **_of_targets(chosen)}
        )
    return pd.DataFrame(rows)


def _of_means(means: pd.DataFrame) -> dict[str, float]:
    predicted, actual = means["predicted"].to_numpy(), means["actual"].to_numpy()
    slope = predicted @ actual / (predicted @ predicted)
    if not _is_defined(predicted, actual):
        return dict.fromkeys(("pearson", "low", "high", "spearman"), np.nan) | {"slope": slope}
    pearson = stats.pearsonr(predicted, actual)
    interval = pearson.confidence_interval(LEVEL)
    return {
        "pearson": pearson.statistic,
        "low": interval.low,
        "high": interval.high,
        "spearman": stats.spearmanr(predicted, actual).statistic,
        "slope": slope,
    }


def _of_targets(chosen: pd.DataFrame) -> dict[str, float]:
    """Return the rank correlation of Park et al. (2023), there over random halves of samples."""
    pairs = [
        (rows["predicted"].to_numpy(), rows["actual"].to_numpy())
        for _, rows in chosen.groupby("target")
    ]
    defined = [stats.spearmanr(*pair).statistic for pair in pairs if _is_defined(*pair)]
    if len(defined) < 2:
        return {"target_spearman": np.nan, "target_margin": np.nan}
    mean, margin = mean_and_margin(np.array(defined))
    return {"target_spearman": float(mean), "target_margin": float(margin)}


def _is_defined(predicted: np.ndarray, actual: np.ndarray) -> bool:
    return len(predicted) > 2 and bool(np.ptp(predicted) > 0 and np.ptp(actual) > 0)
