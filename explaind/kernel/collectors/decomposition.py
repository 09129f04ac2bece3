"""Decomposition of every step: true change = data part + regularisation part + residual.

In a recording that began with momentum there is a third part, that of the gradients before it.
"""

from collections.abc import Collection

import numpy as np
import torch
from torch import Tensor

from explaind.kernel.collectors.collector import Collector, ExplainedStep
from explaind.kernel.trajectory.steps import PARTS

WAITING_STEPS = 64  # copied from the GPU together


class StepDecomposition(Collector):
    """Keeps, per step and query, the parts of the change, in total and by component.

    Parts are credited to the step at which the parameters moved (application step), sums of the
    influence of a batch (`absolute`) to that of the gradient. Numbers wait on the device for some
    steps, because each copy to main memory would stop a GPU.

    Args:
        steps: the steps, entered backward in time.
        keep: `step_component` and `absolute` keep the arrays by component.
    """

    def __init__(self, steps: range, keep: Collection[str]) -> None:
        self._steps, self._keep = steps, frozenset(keep)
        self._waiting: list[tuple[int, dict[str, Tensor]]] = []
        self._rows: dict[str, np.ndarray] = {}

    def add(self, step: ExplainedStep) -> None:
        """Enter a step."""
        derivative = step.derivative
        by_component = derivative.explained.flatten(0, 1).permute(1, 2, 0)
        row = {
            "true": derivative.change.double().flatten(),
            "parts": by_component.double().sum(0),
            "subintervals": derivative.subintervals,
        }
        if "step_component" in self._keep:
            row["by_component"] = by_component
        if "absolute" in self._keep:
            row["absolute"] = step.influence.abs().sum(1).to(by_component.dtype)
            row["net"] = step.influence.sum(1).to(by_component.dtype)
        self._waiting.append((step.number, row))
        if len(self._waiting) == WAITING_STEPS:
            self._copy()

    def arrays(self, shape: tuple[int, int]) -> dict[str, np.ndarray]:
        """Return the arrays of every step."""
        self._copy()
        true, parts = self._split("true", shape), self._split("parts", shape)
        arrays = {
            "step_true": true,
            "step_residual": true - parts.sum(1),
            "subintervals": self._rows["subintervals"].astype(np.uint16),
        }
        arrays |= {f"step_{name}": parts[:, k] for k, name in enumerate(PARTS[: parts.shape[1]])}
        if "by_component" in self._rows:
            by_component = self._split("by_component", shape)
            for k, name in enumerate(PARTS[: parts.shape[1]]):
                arrays[f"step_{name}_by_component"] = by_component[:, :, k]
        if "absolute" in self._rows:
            arrays["step_absolute_by_component"] = self._split("absolute", shape)
            arrays["step_net_by_component"] = self._split("net", shape)
        return arrays

    def _copy(self) -> None:
        """Move what waits to main memory, one copy per array."""
        if not self._waiting:
            return
        numbers, rows = zip(*self._waiting, strict=True)
        place = np.array(numbers) - self._steps.start
        for name in rows[0]:
            values = torch.stack([row[name] for row in rows]).cpu().numpy()
            if name not in self._rows:
                self._rows[name] = np.zeros((len(self._steps), *values.shape[1:]), values.dtype)
            self._rows[name][place] = values
        self._waiting.clear()

    def _split(self, name: str, shape: tuple[int, int]) -> np.ndarray:
        rows = self._rows[name]
        return rows.reshape(*rows.shape[:-1], *shape)
