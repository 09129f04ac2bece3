"""Means and fractions with intervals, and what their differences mean."""

from typing import Literal

import numpy as np
from jaxtyping import Float, Int
from scipy.special import ndtri, stdtrit

LEVEL = 0.95

Verdict = Literal["better", "worse", "no significant difference"]


def mean_and_margin(
    values: Float[np.ndarray, "*case repetition"], level: float = LEVEL
) -> tuple[Float[np.ndarray, "*case"], Float[np.ndarray, "*case"]]:
    """Average over the repetitions.

    Args:
        values: repetitions on the last axis.
        level: probability that the interval covers the mean, for normal repetitions.

    Returns:
        The mean and half the length of its interval, by Student's t distribution; NaN for a single
        repetition.
    """
    repetitions, mean = values.shape[-1], np.asarray(values.mean(-1))
    if repetitions == 1:
        return mean, np.full_like(mean, np.nan)
    standard_error = values.std(-1, ddof=1) / np.sqrt(repetitions)
    return mean, np.asarray(stdtrit(repetitions - 1, (1 + level) / 2) * standard_error)


def mean_interval(values: Float[np.ndarray, " repetition"]) -> dict[str, float]:
    """Average over any number of repetitions.

    Args:
        values: one repetition or more.

    Returns:
        `mean` and the ends of its interval, `low` and `high`, NaN of one repetition; `smallest` and
        `largest`; and the number of `repetitions`.
    """
    mean, margin = map(float, mean_and_margin(values))
    ends = {"low": mean - margin, "high": mean + margin}
    reach = {"smallest": float(np.min(values)), "largest": float(np.max(values))}
    return {"mean": mean, **ends, **reach, "repetitions": len(values)}


def wilson_interval(
    fraction: Float[np.ndarray, "*case"], tests: Int[np.ndarray, "*case"], level: float = LEVEL
) -> tuple[Float[np.ndarray, "*case"], Float[np.ndarray, "*case"]]:
    """Bound a probability, given the fraction of tests that succeeded (Wilson, 1927).

    Args:
        fraction: of the tests that succeeded.
        tests: number of independent tests.
        level: probability that the interval covers the probability.

    Returns:
        Lower and upper ends. They lie in [0, 1] and differ even for a fraction of 0 or 1.
    """
    quantile = ndtri((1 + level) / 2)
    per_test = quantile**2 / tests
    middle = (fraction + per_test / 2) / (1 + per_test)
    spread = np.sqrt(fraction * (1 - fraction) * per_test + (per_test / 2) ** 2) / (1 + per_test)
    return np.clip(middle - spread, 0, 1), np.clip(middle + spread, 0, 1)


def bootstrap_interval(
    resampled: Float[np.ndarray, "*case resample"], level: float = LEVEL
) -> tuple[Float[np.ndarray, "*case"], Float[np.ndarray, "*case"]]:
    """Bound a statistic by the percentiles of its values on resampled data (Efron, 1979).

    Args:
        resampled: its values, resamples on the last axis.
        level: share of them that lie in the interval.

    Returns:
        Lower and upper ends. They lie where the statistic can.
    """
    low, high = np.quantile(resampled, [(1 - level) / 2, (1 + level) / 2], axis=-1)
    return np.asarray(low), np.asarray(high)


def verdict(low: float, high: float, sign: int = 1) -> Verdict:
    """Say what the interval of a difference to a baseline means.

    Args:
        low: lower end of the interval.
        high: upper end.
        sign: 1 if larger is better, -1 if smaller is.

    Returns:
        `better` or `worse` where the interval leaves out zero.
    """
    if low <= 0 <= high:
        return "no significant difference"
    return "better" if sign * low > 0 else "worse"
