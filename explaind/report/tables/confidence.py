"""Means with intervals over a few repetitions, and what their differences mean."""

from typing import Literal

import numpy as np
from jaxtyping import Float
from scipy import stats

LEVEL = 0.95

Verdict = Literal["better", "worse", "no significant difference"]


def mean_and_margin(
    values: Float[np.ndarray, "*case repetition"], level: float = LEVEL
) -> tuple[Float[np.ndarray, "*case"], Float[np.ndarray, "*case"]]:
    """Average over the repetitions.

    Args:
        values: at least two repetitions on the last axis.
        level: probability that the interval covers the mean, for normal repetitions.

    Returns:
        The mean and half the length of its interval, by Student's t distribution.
    """
    repetitions = values.shape[-1]
    quantile = stats.t.ppf((1 + level) / 2, repetitions - 1)
    margin: np.ndarray = np.asarray(quantile * stats.sem(values, axis=-1))
    return np.asarray(values.mean(-1)), margin


def verdict(difference: float, margin: float, sign: int = 1) -> Verdict:
    """Say what a difference with its margin means.

    Args:
        difference: mean difference to a baseline.
        margin: half of its interval.
        sign: 1 if larger is better, -1 if smaller is.

    Returns:
        `better` or `worse` where the interval leaves out zero.
    """
    if abs(difference) <= margin:
        return "no significant difference"
    return "better" if sign * difference > 0 else "worse"
