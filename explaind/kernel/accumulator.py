"""Sums of influence over the steps, in float64, by component and training interval."""

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor


def interval_bounds(steps: int, intervals: int) -> np.ndarray:
    """Bounds of equal training intervals.

    Args:
        steps: number of steps.
        intervals: number of intervals wanted; at most one per step is made.

    Returns:
        `[interval + 1]` step numbers; interval `k` holds the steps `[bounds[k], bounds[k+1])`.
    """
    return np.linspace(0, steps, min(intervals, steps) + 1).round().astype(np.int64)


class InfluenceAccumulator:
    """Adds up the influence of each step on the training axis, steps coming backward in time.

    Args:
        bounds: interval bounds.
        components: number of components.
        queries: number of queries.
        samples: number of training samples, `N`.
        keep_intervals: whether each interval's sums are kept beside the total.
        like: a tensor of the type and on the device of the computation.

    Attributes:
        total: `[component, query, train]`.
        intervals: `[interval, component, query, train]` in the type of the computation, or None.
    """

    def __init__(
        self,
        bounds: np.ndarray,
        components: int,
        queries: int,
        samples: int,
        keep_intervals: bool,
        like: Tensor,
    ) -> None:
        shape = (components, queries, samples)
        self.total = torch.zeros(shape, dtype=torch.float64, device=like.device)
        self.intervals: Tensor | None = None
        if keep_intervals:
            self.intervals = torch.zeros((len(bounds) - 1, *shape), dtype=like.dtype)
        self._bounds = bounds
        self._current = torch.zeros_like(self.total) if keep_intervals else self.total

    def add(
        self,
        step: int,
        index: Int[Tensor, " batch"],
        influence: Float[Tensor, "component batch query"],
    ) -> None:
        """Credit the samples of a batch.

        Args:
            step: the step.
            index: the samples; one that occurs twice is credited twice.
            influence: influence of each batch slot.
        """
        self._current.index_add_(2, index, influence.transpose(1, 2))
        if self.intervals is not None and step in self._bounds:
            self._close(int(np.searchsorted(self._bounds, step)))

    def _close(self, interval: int) -> None:
        assert self.intervals is not None
        self.intervals[interval] = self._current.to(self.intervals.dtype).cpu()
        self.total += self._current
        self._current.zero_()
