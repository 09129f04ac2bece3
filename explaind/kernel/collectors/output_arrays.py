"""Kept slices: what of an explanation is kept, and for which training samples."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from explaind.errors import ConfigError

SLICES = (
    *("influence", "component", "interval", "parameter"),
    *("step_component", "absolute", "top", "top_component"),
)
DEFAULT_SLICES = ("influence", "component", "interval", "step_component", "absolute")

CREDITS = ("gradient_step", "application_step")


@dataclass(frozen=True)
class Slices:
    """What of an explanation is kept. Totals per query and step always are.

    Attributes:
        keep: some of `SLICES`.
        intervals: number of equal training intervals.
        credit: the step whose interval influence is credited to: where the gradient was computed,
            or where momentum applied it.
        top: most helpful and most harmful training samples kept with `top` and `top_component`.
        train_samples: training samples that the influence arrays keep; None = all.
    """

    keep: frozenset[str]
    intervals: int = 1
    credit: str = "gradient_step"
    top: int = 10
    train_samples: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        """Check names and numbers.

        Raises:
            ConfigError: naming the argument.
        """
        unknown = sorted(self.keep - set(SLICES))
        if unknown:
            raise ConfigError(f"keep: unknown {unknown}, expected some of {SLICES}.")
        if self.credit not in CREDITS:
            raise ConfigError(f"credit: expected one of {CREDITS}, got {self.credit!r}.")
        for name in ("intervals", "top"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name}: expected at least 1, got {getattr(self, name)}.")

    @property
    def by_component(self) -> bool:
        """Whether anything kept splits the influence of single samples by component."""
        return bool(self.keep & {"component", "interval", "absolute", "top_component"})

    @property
    def dense(self) -> bool:
        """Whether an array over the training samples is kept."""
        return bool(self.keep & {"influence", "component", "interval"})

    @property
    def splits_adjoint(self) -> bool:
        """Whether the adjoint must tell the intervals apart in which the parameters moved."""
        return "interval" in self.keep and self.credit == "application_step"


class SampleSelection:
    """The training samples whose influence is kept.

    Args:
        samples: number of training samples, `N`.
        chosen: their indices; None = all.

    Attributes:
        index: dataset index of every kept sample.

    Raises:
        ConfigError: if an index does not exist.
    """

    def __init__(self, samples: int, chosen: Collection[int] | None) -> None:
        self.index = np.arange(samples) if chosen is None else np.array(sorted(set(chosen)), int)
        if not len(self.index) or self.index[0] < 0 or self.index[-1] >= samples:
            raise ConfigError(
                f"train_samples: expected indices from 0 to {samples - 1}, got"
                f" {self.index.tolist()[:3]} ... {self.index.tolist()[-3:]}."
            )
        self._place: Tensor | None = None
        if chosen is not None:
            self._place = torch.full((samples,), -1)
            self._place[torch.from_numpy(self.index)] = torch.arange(len(self.index))

    def __len__(self) -> int:
        return len(self.index)

    def find(
        self, index: Int[Tensor, " batch"]
    ) -> tuple[Int[Tensor, " found"] | None, Int[Tensor, " found"]]:
        """Kept samples of a batch.

        Args:
            index: the samples of the batch, on the CPU (nothing here waits for a GPU).

        Returns:
            Their slots in the batch (None = all slots) and their positions among the kept samples.
        """
        if self._place is None:
            return None, index
        place = self._place[index]
        slots = (place >= 0).nonzero()[:, 0]
        return slots, place[slots]
