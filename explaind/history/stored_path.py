"""The parameters of a full history, read from the store."""

import math
from typing import NamedTuple

import torch
import xarray as xr
from jaxtyping import Float
from torch import Tensor


class Stretch(NamedTuple):
    """Parameters and second moments of consecutive steps, as recorded.

    Attributes:
        params: `theta_s` for `s = start..stop`.
        second_moment: what each step divided by; None without one.
    """

    params: Float[Tensor, "points param"]
    second_moment: Float[Tensor, "steps param"] | None


class StoredPath:
    """Reads what lies in the store.

    Args:
        dataset: the opened history.
        steps: number of steps.
    """

    def __init__(self, dataset: xr.Dataset, steps: int) -> None:
        self._dataset, self._steps = dataset, steps

    @property
    def block_length(self) -> int:
        """Steps per block: whole chunks, at least the square root of the number of steps.

        The decay motion keeps one vector per block; with `sqrt(S)` steps a block both stay small.
        """
        chunk = int(self._dataset["params"].encoding["chunks"][0])
        return chunk * math.ceil(math.sqrt(self._steps) / chunk)

    def theta(self, point: int) -> Float[Tensor, " param"]:
        """Parameters at a point of the path."""
        return self._rows("params", point, point + 1)[0]

    def read(self, start: int, stop: int) -> Stretch:
        """Read the steps `[start, stop)`."""
        adaptive = "second_moment" in self._dataset
        moments = self._rows("second_moment", start, stop) if adaptive else None
        return Stretch(self._rows("params", start, stop + 1), moments)

    def _rows(self, name: str, start: int, stop: int) -> Tensor:
        return torch.from_numpy(self._dataset[name][start:stop].values)
