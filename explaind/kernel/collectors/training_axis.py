"""The training axis of the influence arrays: samples, some of them, or groups of them."""

from collections.abc import Collection, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from explaind.errors import ConfigError


@runtime_checkable
class TrainingAxis(Protocol):
    """Where on an axis the influence of a training sample is added."""

    def __len__(self) -> int:
        """Return the length of the axis."""

    def find(
        self, index: Int[Tensor, " batch"]
    ) -> tuple[Int[Tensor, " kept"] | None, Int[Tensor, " kept"]]:
        """Find the samples of a batch.

        Args:
            index: the samples of the batch, on the CPU (nothing here waits for a GPU).

        Returns:
            Slots of the batch whose influence is kept (None = all), and their places on the axis.
        """

    def arrays(self) -> dict[str, np.ndarray]:
        """Return what names the places, by its name in `kernel.result.ARRAYS`."""


class SampleSelection:
    """The training samples whose influence is kept.

    Args:
        samples: number of training samples, `N`.
        chosen: their indices; None = all.

    Raises:
        ConfigError: if an index does not exist.
    """

    def __init__(self, samples: int, chosen: Collection[int] | None) -> None:
        self._index = np.arange(samples) if chosen is None else np.array(sorted(set(chosen)), int)
        if not len(self._index) or self._index[0] < 0 or self._index[-1] >= samples:
            raise ConfigError(
                f"train_samples: expected indices from 0 to {samples - 1}, got"
                f" {self._index.tolist()[:3]} ... {self._index.tolist()[-3:]}."
            )
        self._place: Tensor | None = None
        if chosen is not None:
            self._place = torch.full((samples,), -1)
            self._place[torch.from_numpy(self._index)] = torch.arange(len(self._index))

    def __len__(self) -> int:
        return len(self._index)

    def find(
        self, index: Int[Tensor, " batch"]
    ) -> tuple[Int[Tensor, " kept"] | None, Int[Tensor, " kept"]]:
        """Return the slots of kept samples (None = all slots) and their positions among those."""
        if self._place is None:
            return None, index
        place = self._place[index]
        slots = (place >= 0).nonzero()[:, 0]
        return slots, place[slots]

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the dataset index of every kept sample."""
        return {"train_index": self._index}


class SampleGroups:
    """Groups of training samples, whose influence is added up: memory `Q x groups`.

    Args:
        labels: the group of every training sample.
        samples: number of training samples, `N`.

    Attributes:
        names: the groups, sorted.

    Raises:
        ConfigError: if there is not one label, a text or a number, for each sample.
    """

    def __init__(self, labels: Sequence[str | int], samples: int) -> None:
        given = np.asarray(labels)
        if given.shape != (samples,):
            raise ConfigError(
                f"groups: expected {samples} labels, one for each training sample, got an array of"
                f" shape {given.shape}."
            )
        wrong = [one for one in given if given.dtype == object and not isinstance(one, str)]
        if wrong:
            raise ConfigError(f"groups: expected texts or numbers, got {wrong[0]!r} among them.")
        names, place = np.unique(given, return_inverse=True)
        self.names, self._place = [str(name) for name in names], torch.from_numpy(place)

    def __len__(self) -> int:
        return len(self.names)

    def find(self, index: Int[Tensor, " batch"]) -> tuple[None, Int[Tensor, " batch"]]:
        """Return the group of every sample of a batch."""
        return None, self._place[index]

    def arrays(self) -> dict[str, np.ndarray]:
        """Return nothing: the names of groups are labels of their dimension."""
        return {}
