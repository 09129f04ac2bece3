"""Sums of influence over the steps, in float64, by component and training interval."""

import torch
from jaxtyping import Float
from torch import Tensor

from explaind.kernel.collectors.explained_step import ExplainedStep
from explaind.kernel.collectors.output_arrays import SampleSelection


class InfluenceAccumulator:
    """Adds up the influence of each step on the training axis, steps coming backward in time.

    An interval is open while influence is credited to it; closed ones lie in main memory. Only the
    axes asked for exist: without components and intervals there is one `[query, train]` sum.

    Args:
        selection: training samples whose influence is kept.
        by_component: whether the total is kept by component.
        intervals: numbers of the intervals whose sums are kept beside the total; None = no split.
        like: a tensor of the type and on the device of the computation.

    Attributes:
        intervals: `[interval, component, query, train]` in the type of the computation, or None.
    """

    def __init__(
        self,
        selection: SampleSelection,
        by_component: bool,
        intervals: range | None,
        like: Tensor,
    ) -> None:
        self.intervals: Tensor | None = None
        self._selection, self._by_component, self._range = selection, by_component, intervals
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
        slots, place = self._selection.find(step.batch)
        if slots is not None:
            parts = parts.index_select(2, slots.to(parts.device))
        place = place.to(parts.device)
        for interval in self._open.keys() - set(numbers):
            self._close(interval)
        for interval, part in zip(numbers, parts, strict=True):
            self._sum_of(interval, part).index_add_(2, place, part.transpose(1, 2))

    def total(self) -> Float[Tensor, "component query train"]:
        """Close what is open and return the total (one component unless split)."""
        for interval in list(self._open):
            self._close(interval)
        assert self._total is not None  # a segment has at least one step
        return self._total

    def _sum_of(self, interval: int, part: Tensor) -> Tensor:
        if interval not in self._open:
            shape = (len(part), part.shape[2], len(self._selection))
            self._open[interval] = torch.zeros(shape, dtype=torch.float64, device=part.device)
        return self._open[interval]

    def _close(self, interval: int) -> None:
        """Move the sum of an interval to main memory and add it to the total."""
        found = self._open.pop(interval)
        if self._range is not None:
            if self.intervals is None:
                shape = (len(self._range), *found.shape)
                self.intervals = torch.zeros(shape, dtype=self._like.dtype)
            self.intervals[interval - self._range.start] = found.to(self._like.dtype).cpu()
            if not self._by_component:
                found = found.sum(0, keepdim=True)
        self._total = found if self._total is None else self._total.add_(found)
