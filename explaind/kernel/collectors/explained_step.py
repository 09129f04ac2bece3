"""One explained step, as the collectors of slices see it."""

from abc import ABC, abstractmethod
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from torch import Tensor

from explaind.kernel.query.queries import StepDerivative


class ExplainedStep(NamedTuple):
    """Everything that one step did.

    Attributes:
        number: the step `s`.
        found: true changes and averaged gradients of the queries.
        parts: motion due to the data and motion due to decay.
        batch: the samples of the batch, on the CPU.
        influence: influence of each batch slot; one component if nothing asks for more.
        by_interval: the same by the interval that is credited.
        intervals: numbers of those intervals, the present one first.
        decay: contribution of decay to each query.
    """

    number: int
    found: StepDerivative
    parts: Float[Tensor, "part param"]
    batch: Int[Tensor, " batch"]
    influence: Float[Tensor, "component batch query"]
    by_interval: Float[Tensor, "interval component batch query"]
    intervals: list[int]
    decay: Float[Tensor, " query"]


class Collector(ABC):
    """Adds up what the steps of a segment did, steps coming backward in time."""

    @abstractmethod
    def add(self, step: ExplainedStep) -> None:
        """Enter a step; must not wait for a GPU."""

    @abstractmethod
    def arrays(self, shape: tuple[int, int]) -> dict[str, np.ndarray]:
        """The arrays of the result, by their names in `kernel.result.ARRAYS`.

        Args:
            shape: (samples, outputs), which the query axis is split into.
        """
