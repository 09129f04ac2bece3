"""ROC curves of resampled data: how else they might have come out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

RESAMPLES = 1000
SEED = 0


@dataclass(frozen=True)
class Scored:
    """Samples of one set of flipped labels with their suspicion.

    Attributes:
        flipped: which labels are flipped: some, not all.
        suspicion: how likely they are so, by a score; larger = more suspicious.
    """

    flipped: Bool[np.ndarray, " sample"]
    suspicion: Float[np.ndarray, " sample"]


@dataclass(frozen=True)
class ResampledRoc:
    """ROC curves on resampled data, each the mean over the sets.

    Attributes:
        areas: areas under them, in [0, 1].
        rates: true positive rates at the false positive rates asked for, in [0, 1].
    """

    areas: Float[np.ndarray, " resample"]
    rates: Float[np.ndarray, "resample rate"]


def resample_roc(
    sets: Sequence[Scored], false_positive_rates: Float[np.ndarray, " rate"]
) -> ResampledRoc:
    """Draw sets with replacement, in each flipped and correct samples, and average over the sets.

    Both how the sets (and the networks trained on them) differ and how samples do is in it. Equal
    sets are drawn equally, whatever their suspicion: two scores are compared resample by resample.

    Args:
        sets: the sets.
        false_positive_rates: where the curves are read off, ascending.

    Returns:
        `RESAMPLES` curves.
    """
    random = np.random.default_rng(SEED)
    picked = random.integers(len(sets), size=(RESAMPLES, len(sets)))
    areas = np.empty(picked.shape)
    rates = np.empty((*picked.shape, len(false_positive_rates)))
    for number, scored in enumerate(sets):
        drawn = picked == number
        counts = _drawn(random, scored.flipped, int(drawn.sum()))
        false_positive, true_positive = _curves(scored, counts)
        areas[drawn] = np.trapezoid(true_positive, false_positive, axis=1)
        curves = zip(false_positive, true_positive, strict=True)
        rates[drawn] = [np.interp(false_positive_rates, *curve) for curve in curves]
    return ResampledRoc(areas.mean(1), rates.mean(1))


def _drawn(
    random: np.random.Generator, flipped: Bool[np.ndarray, " sample"], draws: int
) -> Int[np.ndarray, "draw sample"]:
    """Return how often each sample is drawn, as many flipped and as many correct ones as before."""
    counts = np.empty((draws, len(flipped)), dtype=np.int64)
    for label in (True, False):
        rows = np.flatnonzero(flipped == label)
        counts[:, rows] = random.multinomial(len(rows), np.full(len(rows), 1 / len(rows)), draws)
    return counts


def _curves(
    scored: Scored, counts: Int[np.ndarray, "draw sample"]
) -> tuple[Float[np.ndarray, "draw threshold"], Float[np.ndarray, "draw threshold"]]:
    """Return false and true positive rates from the highest threshold to the lowest, from 0."""
    order = np.argsort(-scored.suspicion, kind="stable")
    ordered = scored.suspicion[order]
    starts = np.flatnonzero(np.append(True, np.diff(ordered) != 0))  # equal ones are one threshold
    false_positive, true_positive = (
        np.add.reduceat(counts[:, order] * (scored.flipped[order] == label), starts, axis=1)
        for label in (False, True)
    )
    return _rates(false_positive), _rates(true_positive)


def _rates(hits: Int[np.ndarray, "draw threshold"]) -> Float[np.ndarray, "draw 1+threshold"]:
    reached = np.cumsum(hits, axis=1)
    return np.pad(reached / reached[:, -1:], ((0, 0), (1, 0)))
