"""The account of every step: true change = data part + decay part + residual."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from explaind.history.layout import ParameterLayout
from explaind.kernel.query import StepDerivative


class StepAccount:
    """Keeps, per step and query, the parts of the change, in total and by component.

    Parts are credited to the step at which the parameters moved (application step).

    Args:
        layout: the parameter layout.
        steps: number of steps.
        queries: number of queries.
        samples: number of explained samples.
        like: a tensor of the type of the computation.

    Attributes:
        dtype: numpy type that influence and parts by component are stored in.
    """

    def __init__(
        self, layout: ParameterLayout, steps: int, queries: int, samples: int, like: Tensor
    ) -> None:
        self.dtype = np.dtype(np.float64 if like.dtype == torch.float64 else np.float32)
        self._ranges = list(layout.component_ranges().values())
        self._true = np.zeros((steps, queries))
        self._parts = np.zeros((2, steps, len(self._ranges), queries))  # data, decay
        self._absolute = np.zeros((steps, len(self._ranges), queries), dtype=self.dtype)
        self._subintervals = np.zeros((steps, samples), dtype=np.uint16)

    def add(
        self,
        step: int,
        found: StepDerivative,
        parts: Float[Tensor, "part param"],
        influence: Float[Tensor, "component batch query"],
    ) -> None:
        """Enter a step.

        Args:
            step: the step.
            found: true changes and averaged gradients.
            parts: motion due to the data and motion due to decay.
            influence: influence of the samples of the batch.
        """
        self._true[step] = found.change.double().flatten().cpu().numpy()
        averaged = found.averaged.flatten(0, 1)
        for component, ranges in enumerate(self._ranges):
            both = torch.stack(
                [averaged[:, start:stop] @ parts[:, start:stop].T for start, stop in ranges]
            ).sum(0)
            self._parts[:, step, component] = both.T.double().cpu().numpy()
        self._absolute[step] = influence.abs().sum(1).cpu().numpy()
        self._subintervals[step] = found.subintervals.cpu().numpy()

    def total(self, part: str) -> Float[Tensor, "step query"]:
        """Data or decay part of every step, summed over components."""
        return torch.from_numpy(self._parts[("data", "decay").index(part)].sum(1))

    def arrays(self, shape: tuple[int, int]) -> dict[str, np.ndarray]:
        """The arrays of the result, with the query axis split.

        Args:
            shape: (samples, outputs).

        Returns:
            Arrays by name, as `kernel.result.ARRAYS` lists them.
        """
        steps, components = self._parts.shape[1:3]
        data, decay = self._parts.sum(2)
        by_component = self._parts.astype(self.dtype).reshape(2, steps, components, *shape)
        return {
            "step_true": self._true.reshape(steps, *shape),
            "step_data": data.reshape(steps, *shape),
            "step_decay": decay.reshape(steps, *shape),
            "step_residual": (self._true - data - decay).reshape(steps, *shape),
            "step_data_by_component": by_component[0],
            "step_decay_by_component": by_component[1],
            "step_absolute_by_component": self._absolute.reshape(steps, components, *shape),
            "subintervals": self._subintervals,
        }
