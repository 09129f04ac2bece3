"""A scale for values of both signs that differ by powers of ten; plotly has none."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from explaind.report.text import MINUS, power_of_ten

POWERS = 3  # powers of ten with a tick on each side of zero, at most
SMALL = 0.1  # share of the values that may lie where the scale is linear


@dataclass(frozen=True)
class Symlog:
    """`sign(v) log10(1 + |v| / 10^lowest)`: about linear below that power of ten, then logarithmic.

    Attributes:
        lowest: the smallest power of ten that has a tick.
        highest: the largest.
    """

    lowest: int
    highest: int

    @classmethod
    def of(cls, values: Float[np.ndarray, "..."]) -> "Symlog":
        """Choose the scale for some values.

        Args:
            values: finite values.

        Returns:
            A scale that is linear for the smallest tenth of the values, or over the last of three
            powers of ten if they spread over more.
        """
        sizes = np.abs(values)[np.asarray(values) != 0]
        if not len(sizes):
            return cls(0, 0)
        highest = math.floor(math.log10(sizes.max()))
        lowest = math.floor(math.log10(np.quantile(sizes, SMALL)))
        return cls(max(lowest, highest - POWERS + 1), highest)

    def __call__(self, values: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
        """Return where values lie on the axis."""
        placed: np.ndarray = np.sign(values) * np.log10(1 + np.abs(values) / 10.0**self.lowest)
        return placed

    def ticks(self) -> Mapping[str, Any]:
        """Return the ticks of an axis: zero and the powers of ten of both signs.

        Returns:
            Settings of the axis; the lowest of several powers has no text, as it is too near to 0.
        """
        powers = range(self.lowest, self.highest + 1)
        sizes = np.array([10.0**power for power in powers])
        labels = [power_of_ten(power) for power in powers]
        if len(labels) > 1:
            labels[0] = ""
        return {
            "tickvals": [*(-self(sizes)[::-1]), 0.0, *self(sizes)],
            "ticktext": [*(text and f"{MINUS}{text}" for text in labels[::-1]), "0", *labels],
        }
