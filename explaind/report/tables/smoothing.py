"""Moving average over training steps."""

import numpy as np


def moving_average(values: np.ndarray, window: int) -> np.ndarray:
    """Centred moving average along the first axis.

    The window always lies symmetrically about its step: it shrinks towards both ends of the series
    instead of becoming one-sided, so a straight line comes out unchanged and no feature is shifted
    in time.

    Args:
        values: numbers per step, shape [step, ...]; NaN is left out of the averages.
        window: number of steps averaged; an even number is taken as the next odd one.

    Returns:
        The averages, same shape, float64; NaN where a window holds no number.

    Raises:
        ValueError: if the window is below 1.
    """
    if window < 1:
        raise ValueError(f"window must be at least 1 step, got {window}.")
    numbers = np.asarray(values, dtype=np.float64)
    steps = np.arange(len(numbers))
    half = np.minimum(window // 2, np.minimum(steps, steps[::-1]))
    known = np.isfinite(numbers)
    total = _window_sums(np.where(known, numbers, 0.0), steps - half, steps + half + 1)
    count = _window_sums(known.astype(np.float64), steps - half, steps + half + 1)
    means: np.ndarray = np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)
    return means


def _window_sums(numbers: np.ndarray, start: np.ndarray, stop: np.ndarray) -> np.ndarray:
    sums = np.concatenate([np.zeros((1, *numbers.shape[1:])), np.cumsum(numbers, axis=0)])
    return np.asarray(sums[stop] - sums[start])
