"""As many samples of each class, the first ones."""

import numpy as np
from jaxtyping import Int


def interleaved_rows(
    labels: Int[np.ndarray, " sample"], count: int | None
) -> Int[np.ndarray, " row"]:
    """Return rows in which one of each class follows on another, in the order of the samples.

    Args:
        labels: class of each sample.
        count: number of rows, as many of each class as there are; None = all.

    Returns:
        The rows.
    """
    rank = np.zeros(len(labels), dtype=np.int64)  # among those of the same class
    for label in np.unique(labels):
        rank[labels == label] = np.arange((labels == label).sum())
    order: np.ndarray = np.lexsort((labels, rank))
    return order[:count]
