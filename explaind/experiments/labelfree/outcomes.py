"""Numbers with intervals, and whether they fulfil the rule of a claim."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

HOLDS, FAILS, OPEN, ABSENT = "holds", "does not hold", "not decided", "not measured"


@dataclass(frozen=True)
class Number:
    """A mean over the trainings, with its interval and its distance from what the rule asks.

    Attributes:
        case: what it is of: encoder, method, control.
        mean: the mean.
        low: lower end of its 95 % interval; NaN of a single training.
        high: upper end.
        trainings: how many.
        inside_low: how far inside the bounds of the rule it is, lower end of the interval of that:
            all of the interval fulfils the rule if it is above zero.
        inside_high: upper end: none of the interval fulfils the rule if it is not above zero.
        judged: whether the rule is about it; others are shown for comparison.
    """

    case: str
    mean: float
    low: float = np.nan
    high: float = np.nan
    trainings: int = 0
    inside_low: float = np.nan
    inside_high: float = np.nan
    judged: bool = True


def between(
    case: str, found: dict[str, Any], least: float = -np.inf, most: float = np.inf
) -> Number:
    """Return a number that has to lie between two bounds.

    Args:
        case: what it is of.
        found: its `mean`, `low`, `high` and `repetitions` (`confidence.mean_interval`).
        least: the lower bound.
        most: the upper bound.

    Returns:
        The number.
    """
    mean, low, high = (float(found[end]) for end in ("mean", "low", "high"))
    inside = min(low - least, most - high), min(high - least, most - low)
    return Number(case, mean, low, high, int(found["repetitions"]), *inside)


def shown(case: str, mean: float) -> Number:
    """Return a number that nothing is asked of."""
    return Number(case, float(mean), judged=False)


def outcome(numbers: Sequence[Number]) -> str:
    """Say whether a claim holds by what was measured in one way on one dataset.

    Args:
        numbers: what was measured.

    Returns:
        `HOLDS` if every interval fulfils the rule, `FAILS` if one does not reach into it, `OPEN` if
        neither is so or an interval is missing, `ABSENT` if nothing was measured.
    """
    judged = [number for number in numbers if number.judged]
    if not judged:
        return ABSENT
    if any(np.isnan(number.inside_low) for number in judged):
        return OPEN
    if all(number.inside_low > 0 for number in judged):
        return HOLDS
    return FAILS if any(number.inside_high <= 0 for number in judged) else OPEN


def on_all(outcomes: Iterable[str]) -> str:
    """Say whether a claim holds on every dataset that it was measured on.

    Args:
        outcomes: those of the datasets.

    Returns:
        `HOLDS`, or `FAILS` if it does on one, else `OPEN`; `ABSENT` if none was measured.
    """
    found = set(outcomes) - {ABSENT}
    if not found:
        return ABSENT
    return FAILS if FAILS in found else OPEN if OPEN in found else HOLDS
