"""One explained step, and what adds up such steps."""

from abc import ABC, abstractmethod
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from explaind.kernel.completeness import GROSS
from explaind.kernel.query.derivative import StepDerivative
from explaind.kernel.trajectory.steps import PARTS


class ExplainedStep(NamedTuple):
    """Everything that one step did.

    Attributes:
        number: the step `s`.
        derivative: true changes and averaged gradients of the queries.
        parts: motion due to each of `trajectory.steps.PARTS`.
        batch: the samples of the batch, on the CPU.
        influence: influence of each batch slot; one component if nothing asks for more.
        by_interval: the same by the interval that is credited.
        intervals: numbers of those intervals, the present one first.
        regularisation: contribution of regularisation to each query.
    """

    number: int
    derivative: StepDerivative
    parts: Float[Tensor, "part param"]
    batch: Int[Tensor, " batch"]
    influence: Float[Tensor, "component batch query"]
    by_interval: Float[Tensor, "interval component batch query"]
    intervals: list[int]
    regularisation: Float[Tensor, " query"]


class Collector(ABC):
    """Adds up what the steps of a segment did, steps coming backward in time."""

    @abstractmethod
    def add(self, step: ExplainedStep) -> None:
        """Enter a step; must not wait for a GPU."""

    @abstractmethod
    def arrays(self, shape: tuple[int, int]) -> dict[str, np.ndarray]:
        """Finish.

        Args:
            shape: (samples, outputs), which the query axis is split into.

        Returns:
            The arrays of the result, by their names in `kernel.result.ARRAYS`.
        """


class QuerySums(Collector):
    """Sums per query over all steps and training samples, in float64.

    Args:
        bounds: bounds of the training intervals that the steps belong to.
        like: a tensor on the device of the computation.
    """

    def __init__(self, bounds: np.ndarray, like: Tensor) -> None:
        self._bounds = bounds
        zero = torch.zeros((), dtype=torch.float64, device=like.device)
        self._data = self._gross = self._regularisation = zero
        self._carry: Tensor | None = None

    def add(self, step: ExplainedStep) -> None:
        """Enter a step."""
        self._data = self._data + step.influence.sum((0, 1))
        self._gross = self._gross + step.influence.abs().sum((0, 1))
        self._regularisation = self._regularisation + step.regularisation
        if len(step.parts) > PARTS.index("carry"):
            carried = step.derivative.explained[..., PARTS.index("carry")].double().sum(2).flatten()
            self._carry = carried if self._carry is None else self._carry + carried

    def arrays(self, shape: tuple[int, int]) -> dict[str, np.ndarray]:
        """Return the parts of every query, and the bounds of the intervals."""
        sums = {"data": self._data, GROSS: self._gross, "decay": self._regularisation}
        if self._carry is not None:
            sums["carry"] = self._carry
        return {
            **{name: total.cpu().numpy().reshape(shape) for name, total in sums.items()},
            "interval_start": self._bounds[:-1],
            "interval_stop": self._bounds[1:],
        }


def split_queries(array: Tensor, shape: tuple[int, int]) -> np.ndarray:
    """Split the query axis, the last but one, of an array and move it to main memory.

    Args:
        array: the array.
        shape: (samples, outputs).

    Returns:
        The array with one axis more.
    """
    split: np.ndarray = array.reshape(*array.shape[:-2], *shape, array.shape[-1]).cpu().numpy()
    return split
