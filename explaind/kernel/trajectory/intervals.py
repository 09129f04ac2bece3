"""Equal intervals of training time."""

import numpy as np


def interval_bounds(steps: int, intervals: int) -> np.ndarray:
    """Bounds of equal training intervals.

    Args:
        steps: number of steps.
        intervals: number of intervals wanted; at most one per step is made.

    Returns:
        `[interval + 1]` step numbers; interval `k` holds the steps `[bounds[k], bounds[k+1])`.
    """
    return np.linspace(0, steps, min(intervals, steps) + 1).round().astype(np.int64)


def interval_of(bounds: np.ndarray, step: int) -> int:
    """Number of the interval that holds a step."""
    return int(np.searchsorted(bounds, step, side="right")) - 1
