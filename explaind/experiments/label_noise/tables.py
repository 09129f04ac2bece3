"""What the experiment `label_noise` measured: how well each score finds the flipped labels."""

from collections.abc import Mapping
from itertools import product

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score, roc_curve

from explaind.experiments.label_noise.resampling import ResampledRoc, Scored, resample_roc
from explaind.report.tables.confidence import bootstrap_interval, verdict
from explaind.report.tables.power import CHANCE, area_power

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
AREA = 0.75  # what a score that is of use reaches: half way from chance to all flipped ones first
POINTS = np.linspace(0, 1, 101)  # false positive rates of a mean curve


def noise_power(table: pd.DataFrame) -> float:
    """Return the probability that an area of `AREA` would be told from chance.

    Args:
        table: the table of the experiment.

    Returns:
        The probability, from the number of sets and of flipped and correct samples in each.
    """
    counts = table.groupby("seed")["flipped"].agg(["sum", "size"])
    flipped, samples = counts["sum"].mean(), counts["size"].mean()
    return area_power(AREA, float(flipped), float(samples - flipped), len(counts))


def resampled_curves(table: pd.DataFrame) -> dict[str, ResampledRoc]:
    """Resample the ROC curve of every score, all in the same way.

    Args:
        table: the table of the experiment.

    Returns:
        The curves by score.
    """
    sets = [rows for _, rows in table.groupby("seed")]
    return {
        score: resample_roc([_scored(rows, score) for rows in sets], POINTS) for score in SCORES
    }


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


def auc_means(aucs: pd.DataFrame, resampled: Mapping[str, ResampledRoc]) -> pd.DataFrame:
    """Average the areas over the seeds.

    Args:
        aucs: the table of `detection_aucs`.
        resampled: see `resampled_curves`.

    Returns:
        `score`, `auc`, `low` and `high`, the ends of its 95 % bootstrap interval, and the `verdict`
        against chance, 0.5.
    """
    rows = []
    for score, auc in aucs.groupby("score", sort=False)["auc"].mean().items():
        low, high = map(float, bootstrap_interval(resampled[str(score)].areas))
        row = {"score": score, "auc": auc, "low": low, "high": high}
        rows.append({**row, "verdict": verdict(low - CHANCE, high - CHANCE)})
    return pd.DataFrame(rows)


def auc_comparison(aucs: pd.DataFrame, resampled: Mapping[str, ResampledRoc]) -> pd.DataFrame:
    """Compare both influences with the scores of the trained network, resample by resample.

    Args:
        aucs: the table of `detection_aucs`.
        resampled: see `resampled_curves`.

    Returns:
        `score`, `baseline`, `difference` of their mean areas, `low` and `high`, the ends of its
        95 % bootstrap interval, and the `verdict`.
    """
    means = aucs.groupby("score")["auc"].mean()
    rows = []
    for score, baseline in product(INFLUENCE, BASELINES):
        paired = resampled[score].areas - resampled[baseline].areas
        low, high = map(float, bootstrap_interval(paired))
        row = {"score": score, "baseline": baseline, "difference": means[score] - means[baseline]}
        rows.append({**row, "low": low, "high": high, "verdict": verdict(low, high)})
    return pd.DataFrame(rows)


def mean_roc_curves(table: pd.DataFrame, resampled: Mapping[str, ResampledRoc]) -> pd.DataFrame:
    """Average the ROC curves over the seeds at equal false positive rates (Fawcett, 2006).

    Args:
        table: the table of the experiment.
        resampled: see `resampled_curves`.

    Returns:
        `score`, `false_positive_rate`, `true_positive_rate`, and `low` and `high`, the ends of the
        95 % bootstrap interval of the latter.
    """
    curves = []
    for score in SCORES:
        rates = [_true_positive_rates(rows, score) for _, rows in table.groupby("seed")]
        low, high = bootstrap_interval(resampled[score].rates.T)
        curve = {"false_positive_rate": POINTS, "true_positive_rate": np.mean(rates, axis=0)}
        curves.append(pd.DataFrame({"score": score, **curve, "low": low, "high": high}))
    return pd.concat(curves, ignore_index=True)


def _true_positive_rates(rows: pd.DataFrame, score: str) -> np.ndarray:
    false_positive, true_positive, _ = roc_curve(rows["flipped"], _suspicion(rows, score))
    rates: np.ndarray = np.interp(POINTS, false_positive, true_positive)
    return rates


def _scored(rows: pd.DataFrame, score: str) -> Scored:
    return Scored(rows["flipped"].to_numpy(), _suspicion(rows, score).to_numpy(dtype=np.float64))


def _suspicion(rows: pd.DataFrame, score: str) -> pd.Series:
    column, sign = SCORES[score]
    return sign * rows[column]
