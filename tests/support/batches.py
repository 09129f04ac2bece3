"""What a data set yields: the items, how they make a batch, and how the model is called on it.

One list: tests try each, the generated cases combine them, and the documented table names them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import default_collate

from tests.support.calls import PLACES, VOCABULARY, WIDTH

Item = tuple[Any, Tensor]


@dataclass(frozen=True)
class Kind:
    """A kind of batch.

    Attributes:
        inputs: `(count, generator) -> inputs of each sample`.
        stem: makes of a batch of inputs either vectors `[batch, place, feature]`, or calls the
            given layer of token numbers.
        tokens: whether a layer of token numbers is needed.
        collate: makes a batch of items, if torch's own function does not.
        forward: how the model is called, if not by its inputs alone.
        mapping: whether an item is one dict with its `labels`.
    """

    inputs: Callable[[int, torch.Generator], list[Any]]
    stem: Callable[..., Tensor]
    tokens: bool = False
    collate: Callable[[list[Any]], Any] | None = None
    forward: Callable[[nn.Module, Any], Any] | None = None
    mapping: bool = False

    def items(self, count: int, generator: torch.Generator, y: Any) -> list[Any]:
        """Samples of a data set with their targets."""
        x = self.inputs(count, generator)
        if self.mapping:
            return [one | {"labels": target} for one, target in zip(x, y, strict=True)]
        return list(zip(x, y, strict=True))

    def batch(self, items: list[Any]) -> tuple[Any, Any]:
        """Inputs and targets of a batch."""
        made = (self.collate or default_collate)(items)
        return (made, made["labels"]) if self.mapping else (made[0], made[1])


def random(generator: torch.Generator, *shape: int) -> Tensor:
    """Normal numbers."""
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def vectors(count: int, generator: torch.Generator) -> list[Any]:
    """One vector for each sample."""
    return list(random(generator, count, PLACES * WIDTH))


def pairs(count: int, generator: torch.Generator) -> list[Any]:
    """Two tensors for each sample."""
    first, second = random(generator, count, PLACES, WIDTH), random(generator, count, WIDTH)
    return list(zip(first, second, strict=True))


def nested(count: int, generator: torch.Generator) -> list[Any]:
    """A mapping that holds a pair for each sample, in numpy."""
    found = pairs(count, generator)
    return [{"image": (one.numpy(), other.numpy())} for one, other in found]


def mappings(count: int, generator: torch.Generator) -> list[Any]:
    """Two tensors for each sample, by name."""
    values = random(generator, count, PLACES, WIDTH)
    mask = torch.rand(count, PLACES, generator=generator) > 0.3
    return [{"values": v, "mask": m} for v, m in zip(values, mask, strict=True)]


def token_rows(count: int, generator: torch.Generator) -> list[Any]:
    """As many tokens for each sample."""
    return list(torch.randint(VOCABULARY, (count, PLACES), generator=generator))


def ragged_tokens(count: int, generator: torch.Generator) -> list[Any]:
    """Tokens of different number; 0 is padding."""
    rows = torch.randint(1, VOCABULARY, (count, PLACES), generator=generator)
    return [row[: 1 + number % PLACES] for number, row in enumerate(rows)]


def padded(items: list[Any]) -> tuple[Tensor, Tensor]:
    """A batch as long as its longest sample."""
    x, y = zip(*items, strict=True)
    return pad_sequence(list(x), batch_first=True), default_collate(list(y))


def of_padded(layer: nn.Module, x: Tensor) -> Tensor:
    """Vectors of tokens, 0 where there are none."""
    tokens = F.pad(x, (0, PLACES - x.shape[1]))
    return layer(tokens) * (tokens > 0)[..., None]


BATCHES = {
    "a tensor": Kind(vectors, lambda _, x: x.unflatten(1, (PLACES, WIDTH))),
    "a tuple of tensors": Kind(pairs, lambda _, x: x[0] * torch.tanh(x[1])[:, None]),
    "arrays of numpy in a mapping": Kind(
        nested, lambda _, x: x["image"][0] * torch.tanh(x["image"][1])[:, None]
    ),
    "a mapping with `labels`, `forward=`": Kind(
        mappings,
        lambda _, values, mask: values * mask[..., None],
        forward=lambda model, x: model(x["values"], x["mask"]),
        mapping=True,
    ),
    "token numbers": Kind(token_rows, lambda layer, x: layer(x), tokens=True),
    "samples of different length, `collate_fn`": Kind(
        ragged_tokens, of_padded, tokens=True, collate=padded
    ),
}
