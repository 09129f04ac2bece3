"""Small trainings in float64 on which the engine and the oracle are compared.

Every factory is seeded and makes the same object again: two trainings can be run side by side.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from tests.oracles.recorded_path import (
    Augmentation,
    LossFunction,
    Path,
    Penalty,
    SchedulerFactory,
    Weighing,
    train,
)
from tests.oracles.smooth_models import CLASSES, FEATURES, POSITIONS, VOCABULARY, Mlp

TRAIN_SAMPLES, TEST_SAMPLES = 12, 3


def cross_entropy(output: Tensor, target: Tensor) -> Tensor:
    """Cross-entropy of each sample; logits and log-probabilities give the same."""
    return F.cross_entropy(output, target, reduction="none")


def squared_error(output: Tensor, target: Tensor) -> Tensor:
    """Squared error to the one-hot target, summed over the outputs of each sample."""
    one_hot = F.one_hot(target, output.shape[-1]).to(output.dtype)
    return (output - one_hot).square().sum(-1)


def target_log_probability(output: Tensor, target: Tensor) -> Tensor:
    """Log-probability of the target class, for logits and for log-probabilities."""
    return F.log_softmax(output, dim=-1).gather(1, target[:, None])[:, 0]


def all_outputs(output: Tensor, target: Tensor) -> Tensor:
    """Every raw output of the model."""
    return output


def vectors(count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Normal feature vectors and random labels."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(count, FEATURES, generator=generator, dtype=torch.float64)
    return x, torch.randint(CLASSES, (count,), generator=generator)


def tokens(count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Random token sequences; the label is the sum of the tokens modulo the vocabulary."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randint(VOCABULARY, (count, POSITIONS), generator=generator)
    return x, x.sum(1) % VOCABULARY


def images(count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Normal noise images of 6 x 6 pixels and random labels."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(count, 1, 6, 6, generator=generator, dtype=torch.float64)
    return x, torch.randint(CLASSES, (count,), generator=generator)


def shuffled_batches(
    count: int, batch_size: int, steps: int, seed: int, *, drop_last: bool = False
) -> list[list[int]]:
    """Batches of a loader with ``shuffle=True``: the last one of every epoch may be smaller."""
    generator = torch.Generator().manual_seed(seed)
    batches: list[list[int]] = []
    while len(batches) < steps:
        order = torch.randperm(count, generator=generator)
        epoch = [piece.tolist() for piece in order.split(batch_size)]
        batches += [piece for piece in epoch if len(piece) == batch_size or not drop_last]
    return batches[:steps]


@dataclass(frozen=True)
class Problem:
    """A training to be explained; :func:`tests.oracles.recorded_path.train` has the options."""

    name: str
    optimizer: Callable[[nn.Module], torch.optim.Optimizer]
    make_model: Callable[[], nn.Module] = Mlp
    make_data: Callable[[int, int], tuple[Tensor, Tensor]] = vectors
    loss_fn: LossFunction = cross_entropy
    outputs: str = "target_logprob"
    functional: Callable[[Tensor, Tensor], Tensor] = target_log_probability
    batch_size: int = 5
    steps: int = 9
    scheduler: SchedulerFactory | None = None
    max_norm: float | None = None
    penalty: Penalty | None = None
    reduction: str = "mean"
    augment: Augmentation | None = None
    weigh: Weighing | None = None
    seed: int = 0
    drawn: tuple[tuple[int, ...], ...] = ()
    """Batches of one's own; by default those of a shuffling loader."""

    def model(self) -> nn.Module:
        """The untrained model in float64."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            return self.make_model().double()

    def train_data(self) -> tuple[Tensor, Tensor]:
        """Training samples and targets."""
        return self.make_data(TRAIN_SAMPLES, self.seed + 1)

    def test_data(self) -> tuple[Tensor, Tensor]:
        """Explained samples and targets."""
        return self.make_data(TEST_SAMPLES, self.seed + 2)

    def batches(self) -> list[list[int]]:
        """Sample indices of every step: 5, 5, 2, 5, 5, 2, ... by default."""
        if self.drawn:
            return [list(batch) for batch in self.drawn]
        return shuffled_batches(TRAIN_SAMPLES, self.batch_size, self.steps, self.seed + 3)

    def path(self) -> Path:
        """Train, keeping everything that the oracle needs."""
        model = self.model()
        return train(
            model,
            self.optimizer(model),
            self.loss_fn,
            self.train_data(),
            self.batches(),
            scheduler=self.scheduler,
            max_norm=self.max_norm,
            penalty=self.penalty,
            reduction=self.reduction,
            augment=self.augment,
            weigh=self.weigh,
        )

    def but(self, **changes: Any) -> "Problem":
        """The same problem with some options replaced."""
        return replace(self, **changes)
