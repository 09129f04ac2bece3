"""The strongest training samples of every query, for training sets too large for a matrix."""

import numpy as np
from jaxtyping import Float
from torch import Tensor

from explaind.kernel.collectors.collector import Collector, ExplainedStep, split_queries
from explaind.kernel.collectors.influence import InfluenceSums
from explaind.kernel.collectors.training_axis import SampleSelection

TOP = ("helpful_index", "helpful_influence", "harmful_index", "harmful_influence")
TOTAL = "influence_total"
"""What a time segment hands on in their place: they can only be told from the sum of all."""

BY_COMPONENT = "_by_component"
"""Ending of the same arrays through each component."""


def top_samples(influence: Float[Tensor, "*query train"], count: int) -> dict[str, Tensor]:
    """Find the most helpful and the most harmful training samples.

    Args:
        influence: influence of all training samples.
        count: how many of each; fewer if there are fewer training samples.

    Returns:
        `helpful_index`, `helpful_influence` (largest first) and `harmful_index`,
        `harmful_influence` (smallest first), all `[*query, rank]`.
    """
    count = min(count, influence.shape[-1])
    largest, smallest = (influence.topk(count, largest=flag) for flag in (True, False))
    ends = (largest.indices, largest.values, smallest.indices, smallest.values)
    return dict(zip(TOP, ends, strict=True))


class TopInfluence(Collector):
    """The strongest training samples of every query, in total or through each component.

    Args:
        count: how many of each sign.
        samples: number of training samples.
        by_component: whether components are told apart.
        whole: whether the steps are the whole run; a part of it hands its totals on.
        like: a tensor of the type of the computation.
    """

    def __init__(
        self, count: int, samples: int, by_component: bool, whole: bool, like: Tensor
    ) -> None:
        self._count, self._by_component = count, by_component
        self._whole, self._dtype = whole, like.dtype
        self._sums = InfluenceSums(SampleSelection(samples, None), by_component, None, like)

    def add(self, step: ExplainedStep) -> None:
        """Enter a step."""
        self._sums.add(step)

    def arrays(self, shape: tuple[int, int]) -> dict[str, np.ndarray]:
        """Return index and influence of the samples, or the totals."""
        total, ending = self._sums.total().to(self._dtype), BY_COMPONENT
        if not self._by_component:
            total, ending = total[0], ""
        arrays = top_samples(total, self._count) if self._whole else {TOTAL: total}
        return {name + ending: split_queries(array, shape) for name, array in arrays.items()}
