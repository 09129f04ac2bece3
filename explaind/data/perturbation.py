"""Random changes of inputs that can be repeated: functions of (seed, step, sample), not of a state.

Each sample draws from the counter-based generator Philox with the key (seed, step) and the sample
in its counter, so any part of any batch can be made again from its step and its indices.
"""

from abc import ABC, abstractmethod

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

VALIDATION = 2**64 - 1
"""The step that is not one: inputs of the validation loss, perturbed alike in every epoch."""


class Perturbation(ABC):
    """A random change of inputs; an `augment` of the recorder.

    Args:
        seed: seed of the training.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def __call__(
        self, x: Float[Tensor, "batch ..."], index: Int[Tensor, " batch"], step: int
    ) -> Float[Tensor, "batch ..."]:
        """Return the inputs as a step sees them.

        Args:
            x: inputs.
            index: dataset index of each.
            step: optimizer steps taken before.

        Returns:
            Perturbed inputs, same shape.
        """
        key = np.array([self._seed, step], dtype=np.uint64)
        drawn = np.stack([self._draw(_generator(key, i), x.shape[1:]) for i in index.tolist()])
        return self._apply(x, torch.from_numpy(drawn).to(x.device, x.dtype))

    @abstractmethod
    def _draw(self, generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        """Random numbers of one sample, float32."""

    @abstractmethod
    def _apply(self, x: Tensor, drawn: Tensor) -> Tensor:
        """Inputs changed by random numbers of the same shape."""


class GaussianNoise(Perturbation):
    """Adds Gaussian noise; nothing is clipped.

    Args:
        seed: seed of the training.
        std: standard deviation of the noise.
    """

    def __init__(self, seed: int, std: float) -> None:
        super().__init__(seed)
        self._std = std

    def _draw(self, generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        return generator.standard_normal(shape, dtype=np.float32)

    def _apply(self, x: Tensor, drawn: Tensor) -> Tensor:
        return x + self._std * drawn


class RandomMask(Perturbation):
    """Sets numbers to 0, each by itself.

    Args:
        seed: seed of the training.
        dropped: probability of each number.
    """

    def __init__(self, seed: int, dropped: float) -> None:
        super().__init__(seed)
        self._dropped = dropped

    def _draw(self, generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        return generator.random(shape, dtype=np.float32)

    def _apply(self, x: Tensor, drawn: Tensor) -> Tensor:
        return torch.where(drawn < self._dropped, 0, x)


def _generator(key: np.ndarray, sample: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=key, counter=[0, 0, 0, sample]))
