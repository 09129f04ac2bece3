"""Feature importance with chance in it: expected gradients, and controls that know no encoder.

Numbers are drawn for every sample by a generator of its own, so that they do not depend on the
samples beside it.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from explaind.labelfree.feature_importance import Auxiliary, Batch

Draw = Callable[[np.random.Generator], np.ndarray]
"""What is drawn for one sample."""


@dataclass(frozen=True)
class GradientShap:
    """GradientShap (Lundberg and Lee, 2017; captum's, without noise on the input).

    The mean over some points, drawn evenly on the way from the baseline to the input, of the
    gradient times (input - baseline): a Monte Carlo estimate of integrated gradients, as there is
    one baseline for each sample. captum's own draws from numpy's global state, for a batch at once.

    Attributes:
        samples: points for each sample.
        seed: seed of the draws.
        passes: see `FeatureMethod`.
    """

    samples: int = 5
    seed: int = 0
    passes: int = 1

    def __call__(self, auxiliary: Auxiliary, batch: Batch) -> Float[Tensor, "sample ..."]:
        """Return the importances, signed."""
        way = batch.x - batch.baseline
        positions = _draws(batch, self.seed, lambda generator: generator.random(self.samples))
        total = torch.zeros_like(way)
        for position in positions.T:
            point = batch.baseline + position.reshape(-1, *[1] * (way.dim() - 1)) * way
            point = point.detach().requires_grad_(True)
            value = auxiliary(point, batch.representation).sum()
            total += torch.autograd.grad(value, point)[0]
        return total / self.samples * way


@dataclass(frozen=True)
class Random:
    """Control: standard normal numbers.

    Attributes:
        seed: seed of the draws.
        passes: see `FeatureMethod`.
    """

    seed: int = 0
    passes: int = 1

    def __call__(self, auxiliary: Auxiliary, batch: Batch) -> Float[Tensor, "sample ..."]:
        """Return the numbers."""
        shape = batch.x.shape[1:]
        return _draws(batch, self.seed, lambda generator: generator.standard_normal(shape))


@dataclass(frozen=True)
class RandomLit:
    """Control: random numbers where the input is not its baseline, 0 elsewhere.

    To hide a feature that is its baseline changes nothing: on black images `Random` wastes most of
    what it hides.

    Attributes:
        seed: seed of the draws.
        passes: see `FeatureMethod`.
    """

    seed: int = 0
    passes: int = 1

    def __call__(self, auxiliary: Auxiliary, batch: Batch) -> Float[Tensor, "sample ..."]:
        """Return the numbers, from (0, 1] where the input is not its baseline."""
        shape = batch.x.shape[1:]
        drawn = _draws(batch, self.seed, lambda generator: 1 - generator.random(shape))
        return torch.where(batch.x != batch.baseline, drawn, 0)


@dataclass(frozen=True)
class Brightest:
    """Control: how far the input is from its baseline; on black images, brightest first.

    Attributes:
        passes: see `FeatureMethod`.
    """

    passes: int = 1

    def __call__(self, auxiliary: Auxiliary, batch: Batch) -> Float[Tensor, "sample ..."]:
        """Return the absolute distances."""
        return (batch.x - batch.baseline).abs()


def _draws(batch: Batch, seed: int, draw: Draw) -> Float[Tensor, "sample ..."]:
    """What the generator of every sample of a batch draws, one below the other."""
    rows = [draw(np.random.default_rng([seed, number])) for number in batch.numbers]
    return torch.from_numpy(np.stack(rows)).to(batch.x)
