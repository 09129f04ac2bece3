"""Small trainings in float64 on which the engine and the oracle are compared.

Every factory is seeded and makes the same object again: two trainings can be run side by side.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from tests.oracles.recorded_path import LossFunction, Path, Penalty, SchedulerFactory, train

FEATURES, CLASSES = 4, 3
TRAIN_SAMPLES, TEST_SAMPLES = 12, 3
VOCABULARY, POSITIONS = 6, 3


class Mlp(nn.Module):
    """Two hidden tanh layers."""

    def __init__(self, classes: int = CLASSES) -> None:
        super().__init__()
        self.first = nn.Linear(FEATURES, 6)
        self.second = nn.Linear(6, 5)
        self.last = nn.Linear(5, classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(torch.tanh(self.second(torch.tanh(self.first(x)))))


class BufferBeforeParameter(Mlp):
    """Float and integer buffers registered before every parameter; both are used."""

    def __init__(self) -> None:
        super().__init__()
        layers = dict(self._modules)
        self._modules.clear()
        scaling = nn.Module()
        scaling.register_buffer("scale", torch.linspace(0.5, 1.5, FEATURES))
        scaling.register_buffer("shift", torch.tensor(1))
        self.scaling = scaling
        self._modules.update(layers)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x * self.scaling.scale + self.scaling.shift)


class TiedWeights(nn.Module):
    """Tokens; the embedding is the decoder as well."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, 5)
        self.hidden = nn.Linear(5, 5)
        self.decoder = nn.Linear(5, VOCABULARY, bias=False)
        self.decoder.weight = self.embedding.weight

    def forward(self, x: Tensor) -> Tensor:
        return self.decoder(F.gelu(self.hidden(self.embedding(x)))).mean(1)


class SmoothTransformer(nn.Module):
    """Attention with one projection for query, key and value; a bare parameter; LayerNorm."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, 4)
        self.positions = nn.Parameter(0.3 * torch.randn(POSITIONS, 4))
        self.projection = nn.Linear(4, 3, bias=False)
        self.back = nn.Linear(3, 4, bias=False)
        self.norm = nn.LayerNorm(4)
        self.decoder = nn.Linear(4, VOCABULARY)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.embedding(x) + self.positions
        shared = self.projection(tokens)
        attention = torch.softmax(shared @ shared.transpose(1, 2), dim=-1)
        return F.log_softmax(
            self.decoder(F.gelu(self.norm(self.back(attention @ shared))))[:, -1], dim=-1
        )


class SequenceFirst(nn.Module):
    """The features as a sequence along the first axis, whose length may be that of the batch."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(1, 5)
        self.last = nn.Linear(5, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(torch.tanh(self.first(x.T[..., None])).square().mean(0))


class LayerOfPositions(nn.Module):
    """A linear layer of something that belongs to no sample, with as many rows as features."""

    def __init__(self) -> None:
        super().__init__()
        self.positions = nn.Parameter(torch.randn(FEATURES, 3))
        self.first = nn.Linear(3, FEATURES)
        self.last = nn.Linear(FEATURES, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(torch.tanh(x * torch.tanh(self.first(self.positions)).mean(0)))


class UsedInManyWays(nn.Module):
    """One tensor as embedding, as decoder and by plain indexing; another with its own bias."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, 4, padding_idx=0)
        self.hidden = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.embedding(x) + self.embedding.weight[x.flip(1)]
        hidden = torch.tanh(self.hidden(tokens) + self.hidden.bias)
        return F.linear(hidden.mean(1), self.embedding.weight)


class SmoothConvolution(nn.Module):
    """Strided, padded and grouped convolutions, GroupNorm, SiLU, average pooling."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 4, 3, padding=1)
        self.norm = nn.GroupNorm(2, 4)
        self.second = nn.Conv2d(4, 4, 3, stride=2, groups=2, bias=False)
        self.last = nn.Linear(4, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        hidden = F.silu(self.norm(self.first(x)))
        return self.last(F.silu(self.second(hidden)).mean((2, 3)))


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
        )

    def but(self, **changes: Any) -> "Problem":
        """The same problem with some options replaced."""
        return replace(self, **changes)
