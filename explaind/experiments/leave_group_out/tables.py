"""What the experiment `leave_group_out` measured: predicted against actual change."""

import numpy as np
import pandas as pd
from scipy import stats

from explaind.report.tables.confidence import LEVEL, mean_and_margin
from explaind.report.tables.power import correlation_power

CASE = ["group", "share", "draw", "removed"]
SETS = {"all groups": ("top", "bottom", "random"), "random groups": ("random",)}
CORRELATION = 0.8  # what a prediction that is of use reaches
LEARNED = 0.5


def has_learned(table: pd.DataFrame) -> pd.Series:
    """Tell which retrained networks have learned; the others say nothing about the removed samples.

    A network has learned if its accuracy on the samples that it was trained on exceeds that of
    always answering the most frequent class by more than half of what the network trained with all
    samples, group `none`, exceeds it by.

    Args:
        table: the table of the experiment, or means of it.

    Returns:
        Whether it has, for every row.
    """
    gained = table["train_accuracy"] - table["majority"]
    whole = float(gained[table["group"] == "none"].iloc[0])
    return gained.gt(LEARNED * whole)


def group_means(table: pd.DataFrame) -> pd.DataFrame:
    """Average over the targets.

    Args:
        table: the table of the experiment.

    Returns:
        One row per group: `group`, `share`, `draw`, `removed` (number of samples), `before` (mean
        logit margin with all samples), `predicted` and `actual` change, nat; and of the network
        `train_accuracy`, `validation_accuracy`, `majority` and `learned` (`has_learned`).
    """
    changes = ["before", "predicted", "actual"]
    accuracies = ["train_accuracy", "validation_accuracy", "majority"]
    means = table.groupby(CASE, sort=False)[[*changes, *accuracies]].mean().reset_index()
    return means.assign(learned=has_learned(means))


def group_correlations(table: pd.DataFrame) -> pd.DataFrame:
    """Correlate the predicted with the actual change over all groups, and over the random ones.

    Groups whose retraining failed (`has_learned`) are left out.

    Args:
        table: the table of the experiment.

    Returns:
        One row per set of groups: `groups`, `number`; `power`, the probability that a correlation
        of `CORRELATION` would be told from none; `pearson` with the ends `low` and `high` of
        its 95 % interval (Fisher), `spearman`, and `slope`, actual per predicted change through
        zero, of the means over the targets; `target_spearman`, the rank correlation of single
        targets, mean over the targets, with `target_margin`, half of its 95 % interval. NaN where
        a correlation is not defined, for fewer than three groups, say.
    """
    means, rows = group_means(table), []
    for name, kinds in SETS.items():
        chosen = means[means["learned"] & means["group"].isin(kinds)]
        number, targets = len(chosen), table.merge(chosen[CASE], on=CASE)
        power = {"power": correlation_power(CORRELATION, number)}
        correlations = _of_means(chosen) | _of_targets(targets)
        rows.append({"groups": name, "number": number, **power, **correlations})
    return pd.DataFrame(rows)


def _of_means(means: pd.DataFrame) -> dict[str, float]:
    predicted, actual = means["predicted"].to_numpy(), means["actual"].to_numpy()
    square = predicted @ predicted
    slope = predicted @ actual / square if square > 0 else np.nan
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
