"""Cuts of the recorded steps: intervals that are reported, and segments computed by one job each.

The adjoint forgets as the product of the recorded momentum factors, so a segment `[start, stop)`
needs only the steps shortly after it (mathematics, section 4).
"""

from dataclasses import dataclass

import numpy as np
import torch

from explaind.errors import ConfigError
from explaind.history.replay.history import History

FORGOTTEN = {torch.float32: 1e-7, torch.float64: 1e-12}
"""Share of the momentum below which it counts as forgotten, by type of the computation."""


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
    """Return the number of the interval that holds a step."""
    return int(np.searchsorted(bounds, step, side="right")) - 1


@dataclass(frozen=True)
class Segment:
    """Some steps of a run.

    Attributes:
        start: first step that is explained.
        stop: one past the last step that is explained.
        warm_up: one past the step that the backward recursion begins with; the steps from `stop`
            on are only carried through the adjoint.
        whole: whether the segment is the whole run.
    """

    start: int
    stop: int
    warm_up: int
    whole: bool


def segment_of(history: History, number: int, count: int, tolerance: float) -> Segment:
    """Cut a run into equal segments and return one of them.

    Args:
        history: the recorded path.
        number: which segment, counted from 0.
        count: number of segments.
        tolerance: share of the momentum after the segment that may be neglected.

    Returns:
        The segment; those of all numbers partition the steps.

    Raises:
        ConfigError: if there is no such segment.
    """
    if not 0 <= number < count <= history.steps:
        raise ConfigError(
            f"segment: expected number < count <= {history.steps}, the number of steps, got"
            f" {number}/{count}."
        )
    start, stop = (history.steps * k // count for k in (number, number + 1))
    return Segment(start, stop, forgotten_after(history, stop, tolerance), count == 1)


def forgotten_after(history: History, stop: int, tolerance: float) -> int:
    """Return the first step from `stop` on whose share in the adjoint before it is negligible."""
    share = 1.0
    for step in range(stop, history.steps):
        share *= history.largest("mu", step)
        if share <= tolerance:
            return step
    return history.steps


def forgotten_before(history: History, step: int, tolerance: float) -> int:
    """Return the first step whose gradients still move the parameters in `step`."""
    share = 1.0
    for later in range(step, 0, -1):
        share *= history.largest("mu", later)
        if share <= tolerance:
            return later
    return 0
