"""What the experiment `label_noise` measured: how well each score finds the flipped labels."""

from itertools import product

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score, roc_curve

from explaind.report.tables.confidence import mean_and_margin, verdict

SCORES = {
    "self-influence": ("self_influence", 1),
    "influence on held-out data": ("held_out_influence", -1),
    "loss": ("loss", 1),
    "gradient norm": ("gradient_norm", 1),
    "random": ("random", 1),
}
"""Column of each score; 1 = large is suspicious, -1 = small is."""

INFLUENCE = ("self-influence", "influence on held-out data")
BASELINES = ("loss", "gradient norm")
CHANCE = 0.5
POINTS = 101  # of a mean curve


def detection_aucs(table: pd.DataFrame) -> pd.DataFrame:
    """Area under the ROC curve of every score for every seed.

    Args:
        table: the table of the experiment.

    Returns:
        `score`, `seed`, `auc`: the probability that a flipped sample is more suspicious than
        another one, ties counted half; 0.5 = chance.
    """
    areas = [
        {
            "score": score,
            "seed": seed,
            "auc": roc_auc_score(rows["flipped"], _suspicion(rows, score)),
        }
        for score, (seed, rows) in product(SCORES, table.groupby("seed"))
    ]
    return pd.DataFrame(areas)


def auc_means(aucs: pd.DataFrame) -> pd.DataFrame:
    """Average the areas over the seeds.

    Args:
        aucs: the table of `detection_aucs`.

    Returns:
        `score`, `auc`, `margin`, half of its 95 % interval, and the `verdict` against
        chance, 0.5.
    """
    mean, margin = mean_and_margin(_by_seed(aucs).to_numpy())
    verdicts = [verdict(*case) for case in zip(mean - CHANCE, margin, strict=True)]
    return pd.DataFrame({"score": list(SCORES), "auc": mean, "margin": margin, "verdict": verdicts})


def auc_comparison(aucs: pd.DataFrame) -> pd.DataFrame:
    """Compare both influences with the scores of the trained network, seed by seed.

    Args:
        aucs: the table of `detection_aucs`.

    Returns:
        `score`, `baseline`, `difference` of their areas, `margin`, half of its 95 % interval, and
        the `verdict`.
    """
    by_seed = _by_seed(aucs)
    rows = []
    for score, baseline in product(INFLUENCE, BASELINES):
        paired = by_seed.loc[score].to_numpy() - by_seed.loc[baseline].to_numpy()
        difference, margin = (float(value) for value in mean_and_margin(paired))
        row = {"score": score, "baseline": baseline, "difference": difference, "margin": margin}
        rows.append({**row, "verdict": verdict(difference, margin)})
    return pd.DataFrame(rows)


def mean_roc_curves(table: pd.DataFrame) -> pd.DataFrame:
    """Average the ROC curves over the seeds at equal false positive rates (Fawcett, 2006).

    Args:
        table: the table of the experiment.

    Returns:
        `score`, `false_positive_rate`, `true_positive_rate` and `margin`, half of the 95 % interval
        of the latter.
    """
    grid = np.linspace(0, 1, POINTS)
    curves = []
    for score in SCORES:
        rates = np.array(
            [_true_positive_rates(rows, score, grid) for _, rows in table.groupby("seed")]
        )
        mean, margin = mean_and_margin(rates.T)
        curve = {"false_positive_rate": grid, "true_positive_rate": mean, "margin": margin}
        curves.append(pd.DataFrame({"score": score, **curve}))
    return pd.concat(curves, ignore_index=True)


def _true_positive_rates(rows: pd.DataFrame, score: str, grid: np.ndarray) -> np.ndarray:
    false_positive, true_positive, _ = roc_curve(rows["flipped"], _suspicion(rows, score))
    rates: np.ndarray = np.interp(grid, false_positive, true_positive)
    return rates


def _suspicion(rows: pd.DataFrame, score: str) -> pd.Series:
    column, sign = SCORES[score]
    return sign * rows[column]


def _by_seed(aucs: pd.DataFrame) -> pd.DataFrame:
    return aucs.pivot_table(index="score", columns="seed", values="auc", sort=False)
