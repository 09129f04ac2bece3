"""The collectors that the kept slices of an explanation need, and no others."""

import numpy as np
import torch
from torch import Tensor

from explaind.history.layout import ParameterLayout
from explaind.kernel.collectors.accumulator import InfluenceAccumulator
from explaind.kernel.collectors.decomposition import StepAccount
from explaind.kernel.collectors.explained_step import Collector, ExplainedStep
from explaind.kernel.collectors.output_arrays import SampleSelection, Slices
from explaind.kernel.collectors.parameters import ParameterScores
from explaind.kernel.collectors.strongest import BY_COMPONENT, TOTAL, top_samples
from explaind.kernel.trajectory.intervals import interval_bounds, interval_of
from explaind.kernel.trajectory.segment import Segment


def collectors_of(
    slices: Slices,
    segment: Segment,
    layout: ParameterLayout,
    steps: int,
    samples: int,
    like: Tensor,
) -> list[Collector]:
    """Make the collectors of an explanation.

    Args:
        slices: what is kept.
        segment: the steps that are explained.
        layout: the parameter layout.
        steps: number of steps of the whole run.
        samples: number of training samples.
        like: a tensor of the type and on the device of the computation.

    Returns:
        The collectors; their arrays have different names.
    """
    bounds = interval_bounds(steps, slices.intervals)
    last = segment.warm_up if slices.splits_adjoint else segment.stop
    intervals = range(interval_of(bounds, segment.start), interval_of(bounds, last - 1) + 1)
    found: list[Collector] = [
        QuerySums(bounds, intervals, like),
        StepAccount(layout, range(segment.start, segment.stop), slices.keep),
    ]
    if slices.dense:
        found.append(DenseInfluence(slices, samples, intervals, like))
    for name, by_component in (("top", False), ("top_component", True)):
        if name in slices.keep:
            top = TopInfluence(slices.top, samples, by_component, segment.whole, like)
            found.append(top)
    if "parameter" in slices.keep:
        found.append(ParameterScores(bounds, intervals, like))
    return found


class QuerySums(Collector):
    """Sums per query over all steps and training samples, in float64.

    Args:
        bounds: bounds of the training intervals.
        intervals: numbers of the intervals that the steps belong to.
        like: a tensor on the device of the computation.
    """

    def __init__(self, bounds: np.ndarray, intervals: range, like: Tensor) -> None:
        self._bounds = bounds[intervals.start : intervals.stop + 1]
        self._data = self._decay = torch.zeros((), dtype=torch.float64, device=like.device)

    def add(self, step: ExplainedStep) -> None:
        """Enter a step."""
        self._data = self._data + step.influence.sum((0, 1))
        self._decay = self._decay + step.decay

    def arrays(self, shape: tuple[int, int]) -> dict[str, np.ndarray]:
        """Data and decay part of every query; bounds of the intervals."""
        return {
            "data": self._data.cpu().numpy().reshape(shape),
            "decay": self._decay.cpu().numpy().reshape(shape),
            "interval_start": self._bounds[:-1],
            "interval_stop": self._bounds[1:],
        }


class DenseInfluence(Collector):
    """Influence of every kept training sample on every query.

    Args:
        slices: what is kept.
        samples: number of training samples.
        intervals: numbers of the intervals that are credited.
        like: a tensor of the type and on the device of the computation.
    """

    def __init__(self, slices: Slices, samples: int, intervals: range, like: Tensor) -> None:
        self._selection = SampleSelection(samples, slices.train_samples)
        self._keep, self._dtype = slices.keep, like.dtype
        split = intervals if "interval" in slices.keep else None
        self._sums = InfluenceAccumulator(self._selection, "component" in slices.keep, split, like)

    def add(self, step: ExplainedStep) -> None:
        """Enter a step."""
        self._sums.add(step)

    def arrays(self, shape: tuple[int, int]) -> dict[str, np.ndarray]:
        """The influence arrays that are kept."""
        total, intervals = self._sums.total(), self._sums.intervals
        found = {}
        if "influence" in self._keep:
            found["influence"] = total.sum(0)
        if "component" in self._keep:
            found["influence_by_component"] = total
        if intervals is not None:
            found["influence_by_interval"] = intervals
        arrays = {
            name: _split_queries(array.to(self._dtype), shape) for name, array in found.items()
        }
        return {**arrays, "train_index": self._selection.index}


class TopInfluence(Collector):
    """The strongest training samples of every query, in total or through each component.

    Args:
        count: how many of each sign.
        samples: number of training samples.
        by_component: whether components are told apart.
        whole: whether the steps are the whole run; a part of it hands its totals on.
        like: a tensor of the type and on the device of the computation.
    """

    def __init__(
        self, count: int, samples: int, by_component: bool, whole: bool, like: Tensor
    ) -> None:
        self._count, self._by_component = count, by_component
        self._whole, self._dtype = whole, like.dtype
        self._sums = InfluenceAccumulator(SampleSelection(samples, None), by_component, None, like)

    def add(self, step: ExplainedStep) -> None:
        """Enter a step."""
        self._sums.add(step)

    def arrays(self, shape: tuple[int, int]) -> dict[str, np.ndarray]:
        """Index and influence of the samples, or the totals."""
        total, ending = self._sums.total().to(self._dtype), BY_COMPONENT
        if not self._by_component:
            total, ending = total[0], ""
        found = top_samples(total, self._count) if self._whole else {TOTAL: total}
        return {name + ending: _split_queries(array, shape) for name, array in found.items()}


def _split_queries(array: Tensor, shape: tuple[int, int]) -> np.ndarray:
    """An array with the queries on its last axis but one, that axis split, in main memory."""
    found: np.ndarray = array.reshape(*array.shape[:-2], *shape, array.shape[-1]).cpu().numpy()
    return found
