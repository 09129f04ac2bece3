"""Influence by training sample or by group of them: dense sums over the steps."""

from collections.abc import Collection

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from explaind.kernel.collectors.collector import Collector, ExplainedStep, split_queries
from explaind.kernel.collectors.training_axis import TrainingAxis


class InfluenceSums:
    """Adds up the influence of each step on the training axis, steps coming backward in time.

    An interval is open while influence is credited to it; closed ones lie in main memory. Only the
    axes asked for exist: without components and intervals there is one `[query, train]` sum.

    Args:
        axis: the samples or groups whose influence is kept.
        by_component: whether the total is kept by component.
        intervals: numbers of the intervals whose sums are kept beside the total; None = no split.
        like: a tensor of the type of the computation.

    Attributes:
        intervals: `[interval, component, query, train]` in the type of the computation, or None.
    """

    def __init__(
        self,
        axis: TrainingAxis,
        by_component: bool,
        intervals: range | None,
        like: Tensor,
    ) -> None:
        self.intervals: Tensor | None = None
        self._axis, self._by_component, self._range = axis, by_component, intervals
        self._like = like
        self._open: dict[int, Tensor] = {}
        self._total: Tensor | None = None

    def add(self, step: ExplainedStep) -> None:
        """Credit the samples of a batch; one that occurs twice is credited twice."""
        numbers, parts = step.intervals, step.by_interval
        if self._range is None:
            numbers, parts = [0], step.influence[None]
            if not self._by_component:
                parts = parts.sum(1, keepdim=True)
        slots, place = self._axis.find(step.batch)
        if slots is not None:
            parts = parts.index_select(2, slots.to(parts.device))
        place = place.to(parts.device)
        for interval in self._open.keys() - set(numbers):
            self._close(interval)
        for interval, part in zip(numbers, parts, strict=True):
            self._sum_of(interval, part).index_add_(2, place, part.transpose(1, 2))

    def total(self) -> Float[Tensor, "component query train"]:
        """Return the total (one component unless told apart); closes what is open."""
        for interval in list(self._open):
            self._close(interval)
        assert self._total is not None  # a segment has at least one step
        return self._total

    def _sum_of(self, interval: int, part: Tensor) -> Tensor:
        if interval not in self._open:
            shape = (len(part), part.shape[2], len(self._axis))
            self._open[interval] = torch.zeros(shape, dtype=torch.float64, device=part.device)
        return self._open[interval]

    def _close(self, interval: int) -> None:
        """Move the sum of an interval to main memory and add it to the total."""
        closed = self._open.pop(interval)
        if self._range is not None:
            if self.intervals is None:
                shape = (len(self._range), *closed.shape)
                self.intervals = torch.zeros(shape, dtype=self._like.dtype)
            self.intervals[interval - self._range.start] = closed.to(self._like.dtype).cpu()
            if not self._by_component:
                closed = closed.sum(0, keepdim=True)
        self._total = closed if self._total is None else self._total.add_(closed)


class DenseInfluence(Collector):
    """Influence of every kept training sample, or group of them, on every query.

    Args:
        keep: `influence`, `component` and `interval` keep the arrays of that name.
        axis: the samples or groups whose influence is kept.
        intervals: numbers of the intervals that are credited.
        like: a tensor of the type of the computation.
    """

    def __init__(
        self, keep: Collection[str], axis: TrainingAxis, intervals: range, like: Tensor
    ) -> None:
        self._axis, self._keep, self._dtype = axis, frozenset(keep), like.dtype
        split = intervals if "interval" in keep else None
        self._sums = InfluenceSums(axis, "component" in keep, split, like)

    def add(self, step: ExplainedStep) -> None:
        """Enter a step."""
        self._sums.add(step)

    def arrays(self, shape: tuple[int, int]) -> dict[str, np.ndarray]:
        """Return the influence arrays that are kept."""
        total, intervals = self._sums.total(), self._sums.intervals
        sums = {}
        if "influence" in self._keep:
            sums["influence"] = total.sum(0)
        if "component" in self._keep:
            sums["influence_by_component"] = total
        if intervals is not None:
            sums["influence_by_interval"] = intervals
        arrays = {name: split_queries(sum_.to(self._dtype), shape) for name, sum_ in sums.items()}
        return {**arrays, **self._axis.arrays()}
