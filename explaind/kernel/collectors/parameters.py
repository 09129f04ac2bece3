"""Parameter-wise scores: what the motion of every single parameter did to every query."""

import numpy as np
import torch
from torch import Tensor

from explaind.kernel.collectors.collector import Collector, ExplainedStep
from explaind.kernel.trajectory.intervals import interval_of
from explaind.kernel.trajectory.steps import PARTS


class ParameterScores(Collector):
    """Sums over the steps of each training interval.

    The score of parameter `p` in step `s` is `abar_s[p]` times its motion due to the data, or to
    another of `trajectory.steps.PARTS` (mathematics, section 5): nothing of the training side is
    needed, and an L2 term that acts through momentum counts as regularisation. Credited to the step
    at which the parameters moved.

    Args:
        bounds: bounds of the training intervals.
        intervals: numbers of the intervals that are kept.
        like: a tensor of the type of the computation.
    """

    def __init__(self, bounds: np.ndarray, intervals: range, like: Tensor) -> None:
        self._bounds, self._intervals, self._dtype = bounds, intervals, like.dtype
        self._interval = intervals.stop
        self._current: Tensor | None = None  # [part, query, param], float64
        self._scores: Tensor | None = None  # [part, interval, query, param], in main memory

    def add(self, step: ExplainedStep) -> None:
        """Enter a step."""
        averaged = step.derivative.matrix
        if self._current is None:
            queries, params = averaged.shape
            count = len(step.parts)
            self._current = averaged.new_zeros(count, queries, params, dtype=torch.float64)
            sums = (count, len(self._intervals), queries, params)
            self._scores = torch.zeros(sums, dtype=self._dtype)
        interval = interval_of(self._bounds, step.number)
        if interval != self._interval:
            self._close()
            self._interval = interval
        for current, part in zip(self._current, step.parts, strict=True):
            current.add_(averaged * part)

    def arrays(self, shape: tuple[int, int]) -> dict[str, np.ndarray]:
        """Return the scores of each part of the motion, `[interval, test, output, param]`."""
        self._close()
        assert self._scores is not None  # a segment has at least one step
        scores = self._scores.reshape(*self._scores.shape[:2], *shape, -1).numpy()
        return {
            f"parameter_{name}": rows
            for name, rows in zip(PARTS[: len(scores)], scores, strict=True)
        }

    def _close(self) -> None:
        """Move the sums of the interval that was entered last to main memory."""
        if self._interval in self._intervals:
            assert self._current is not None
            assert self._scores is not None
            place = self._intervals.index(self._interval)
            self._scores[:, place] = self._current.to(self._dtype).cpu()
            self._current.zero_()
