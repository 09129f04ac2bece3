"""Rows of stacked passes: explained samples at several steps, of which fewer and fewer go on."""

from functools import cached_property

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from explaind.kernel.gradients.stacked import StackedSamples
from explaind.trees import Inputs, Targets, leaves, map_leaves, take


class Rows:
    """Some of the samples at some of the steps of a group, those of a step together.

    Args:
        x: inputs of all samples.
        y: their targets.
        numbers: ascending numbers of the rows, `step * samples + sample`.
        samples: number of samples.

    Attributes:
        numbers: as given.
        steps: numbers of the steps that have rows.
    """

    def __init__(
        self, x: Inputs, y: Targets, numbers: Int[np.ndarray, " row"], samples: int
    ) -> None:
        self._x, self._y, self._samples, self.numbers = x, y, samples, numbers
        self.steps, first, sizes = np.unique(
            numbers // samples, return_index=True, return_counts=True
        )
        self._first, self._sizes = first, sizes
        self._size = int(sizes.max())
        self._device = leaves(x)[0].device

    def chosen(self, rows: Int[np.ndarray, " row"]) -> "Rows":
        """Return some of the rows."""
        return Rows(self._x, self._y, self.numbers[rows], self._samples)

    def on_device(self, numbers: Int[np.ndarray, "*row"]) -> Int[Tensor, "*row"]:
        """Return numbers where the samples are."""
        return torch.from_numpy(numbers).to(self._device)

    def stacked(self, points: int) -> StackedSamples:
        """Return the samples for passes at some points of every step, as many at each.

        The last row of a step is repeated where it has fewer than others.
        """
        if len(self.numbers) == len(self.steps) * self._samples:
            return StackedSamples(self._x, self._y, apart=False)
        x, y = take((self._x, self._y), self.on_device(self.numbers % self._samples)[self._places])
        if points == 1:
            return StackedSamples(x, y, apart=True)
        x, y = (map_leaves(lambda leaf: leaf.repeat_interleave(points, 0), tree) for tree in (x, y))
        return StackedSamples(x, y, apart=True)

    def filled_up(self, values: Tensor) -> Tensor:
        """Return values of the rows at every point, `[row, point, ...]`, as a pass takes them.

        Args:
            values: the values.

        Returns:
            Those of `stacked` samples, `[step and point, row of it, ...]`.
        """
        return values[self._places].transpose(1, 2).flatten(0, 1)

    @cached_property
    def _places(self) -> Int[Tensor, "step row"]:
        within = np.minimum(np.arange(self._size), self._sizes[:, None] - 1)
        return self.on_device(self._first[:, None] + within)

    def places(self, points: int) -> Int[Tensor, "row point"]:
        """Return where the rows are among those of stacked passes at some points of each step."""
        step = np.repeat(np.arange(len(self.steps)), self._sizes)
        within = np.arange(len(self.numbers)) - self._first[step]
        first = step * points * self._size + within
        return self.on_device(first[:, None] + self._size * np.arange(points))
