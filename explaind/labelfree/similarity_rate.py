"""Do the most important training samples share the label of the explained one?

Labels that no method has seen measure whether importance of training samples is plausible.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, Int

from explaind.labelfree.masking import hidden_count


def similarity_rate(
    scores: Float[np.ndarray, "test train"],
    same_label: Bool[np.ndarray, "test train"],
    fractions: Sequence[float],
    *,
    largest: bool = True,
) -> Float[np.ndarray, "test fraction"]:
    """Return the share of the selected training samples that have the explained sample's label.

    Of equal scores, which of them are selected is left to chance: the mean over all choices counts
    (SimplEx and others give many samples the same score).

    Args:
        scores: importance of the training samples; larger = more important.
        same_label: which of them have the label of the explained sample.
        fractions: fractions of the training samples that are selected.
        largest: whether the most important ones are, or the least important.

    Returns:
        The rates, from 0 to 1.

    Raises:
        ValueError: for scores that are NaN, or a fraction that selects no sample.
    """
    if np.isnan(scores).any():
        raise ValueError("scores: expected numbers, got NaN. Leave those training samples out.")
    ranked = -scores if largest else scores
    ordered = np.sort(ranked, axis=1)
    rates = []
    for count in (hidden_count(fraction, scores.shape[1]) for fraction in fractions):
        if not count:
            raise ValueError(
                f"fractions: expected each to select one of {scores.shape[1]} training samples at"
                f" least, got {min(fractions)}. Take larger ones."
            )
        last = ordered[:, count - 1 : count]
        before, tied = ranked < last, ranked == last
        left = count - before.sum(1)
        chosen = (same_label & before).sum(1) + (same_label & tied).sum(1) * left / tied.sum(1)
        rates.append(chosen / count)
    return np.stack(rates, axis=1)


def same_labels(
    test: Int[np.ndarray, " test"], train: Int[np.ndarray, " train"]
) -> Bool[np.ndarray, "test train"]:
    """Return which training samples have the label of each test sample."""
    same: np.ndarray = test[:, None] == train[None]
    return same


def limits(
    same_label: Bool[np.ndarray, "test train"], fractions: Sequence[float]
) -> tuple[Float[np.ndarray, "test fraction"], Float[np.ndarray, "test fraction"]]:
    """Return the largest and the smallest rate that any scores can have.

    Args:
        same_label: see `similarity_rate`.
        fractions: see `similarity_rate`.

    Returns:
        The ceiling: a class may have fewer samples than are selected. The floor: there may be fewer
        of the other classes.
    """
    total = same_label.shape[1]
    counts = np.array([hidden_count(fraction, total) for fraction in fractions])
    own = same_label.sum(1)[:, None]
    return np.minimum(1, own / counts), np.maximum(0, (counts - (total - own)) / counts)
