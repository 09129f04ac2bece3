"""How well importances of several encoders of the same samples agree.

A row is a task (or an encoder), a sample has importances of its features, or of training samples.
Pooled over all samples, large importances and a shared background of zeros weigh most; per sample
is another question, so both are there. Importances that are not finite are refused (`ValueError`).
"""

from collections.abc import Callable
from typing import Literal

import numpy as np
from jaxtyping import Float
from scipy.stats import rankdata

Rank = Literal["pearson", "spearman"]

RANKS: dict[Rank, Callable[[np.ndarray], np.ndarray]] = {
    "pearson": lambda values: values,
    "spearman": lambda values: rankdata(values, axis=-1),
}
"""What is correlated: the values, or their ranks."""


def pooled_correlation(
    importance: Float[np.ndarray, "task sample entry"], kind: Rank
) -> Float[np.ndarray, "task task"]:
    """Return the correlations over all entries of all samples at once.

    Args:
        importance: importances.
        kind: Pearson's or Spearman's.

    Returns:
        The correlations; NaN for a task whose importances are all equal.
    """
    _check_finite(importance)
    return _correlations(RANKS[kind](importance.reshape(len(importance), -1)))


def correlation_by_sample(
    importance: Float[np.ndarray, "task sample entry"], kind: Rank
) -> Float[np.ndarray, "sample task task"]:
    """Return the correlations over the entries of each sample.

    Args:
        importance: importances.
        kind: Pearson's or Spearman's.

    Returns:
        The correlations of every sample; NaN where its importances are all equal.
    """
    _check_finite(importance)
    return _correlations(RANKS[kind](importance).swapaxes(0, 1))


def log_distance(scores: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    """Return the logarithm of the distance behind scores `1 / distance^2`.

    A correlation of the scores themselves is decided by a handful of samples that are nearly equal.

    Args:
        scores: scores of `DKNN`.

    Returns:
        The log-distances; those of equal representations are the smallest of the others.

    Raises:
        ValueError: if all distances are 0.
    """
    finite = np.isfinite(scores)
    if not finite.any():
        raise ValueError("scores: expected some distance above 0, got none. Compare other samples.")
    distances: np.ndarray = -0.5 * np.log(np.minimum(scores, scores[finite].max()))
    return distances


def _correlations(
    values: Float[np.ndarray, "... task entry"],
) -> Float[np.ndarray, "... task task"]:
    centred = values - values.mean(-1, keepdims=True)
    sizes = np.linalg.norm(centred, axis=-1)
    sizes = np.where(sizes > 1e-12 * np.linalg.norm(values, axis=-1), sizes, np.nan)
    unit = centred / sizes[..., None]
    correlations: np.ndarray = unit @ unit.swapaxes(-1, -2)
    return correlations


def _check_finite(importance: Float[np.ndarray, "..."]) -> None:
    if not np.isfinite(importance).all():
        raise ValueError(
            "importance: expected finite numbers, got NaN or infinity. Take log-distances of"
            " inverse distances (`log_distance`)."
        )
