"""What every layer rule gives: per-sample gradients, their contraction, and what both cost."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

Call = Callable[..., Any]
"""A function of torch, as a model calls it."""

MOVES = 10
"""Times that a number between the products of a contraction counts as moved: it is written in
float32, read again, and multiplied and summed in float64."""


class Work(NamedTuple):
    """Work for one sample of the batch.

    Attributes:
        gradient: numbers of the sample's gradient.
        read: numbers that it is formed from.
        forming: operations that form it from layer inputs and output gradients.
        contracting: operations per query of the contraction that never forms it; None if there is
            no such contraction.
        between: numbers per query that lie between the products of that contraction.
        moves: times that each of them counts as moved.
    """

    gradient: int
    read: int
    forming: int
    contracting: int | None = None
    between: int = 0
    moves: int = MOVES


@dataclass(frozen=True, kw_only=True)
class LayerRule(ABC):
    """One captured call of a layer: its inputs, and how gradients follow from output gradients."""

    def tensors(self) -> dict[str, Tensor]:
        """Return the tensors of the call by field: inputs or what they are made of, batch first."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if isinstance(value, Tensor)}

    def with_tensors(self, tensors: dict[str, Tensor]) -> "LayerRule":
        """Return the same call with other tensors."""
        return replace(self, **tensors)

    @property
    @abstractmethod
    def names(self) -> tuple[str, ...]:
        """Names of the parameters that the call used."""

    @abstractmethod
    def gradients(
        self, name: str, delta: Float[Tensor, "output batch *rest"], rows: slice, parts: list[slice]
    ) -> Iterator[Float[Tensor, "rows output size"]]:
        """Per-sample gradients of a parameter.

        Args:
            name: the parameter.
            delta: output gradients.
            rows: the samples.
            parts: slices of the parameter's first dimension.

        Yields:
            The gradients of every part.
        """

    def add_gradients(
        self,
        name: str,
        delta: Float[Tensor, "output batch *rest"],
        place: Float[Tensor, "batch output entry entry_size"],
        factor: float,
        first: bool,
    ) -> None:
        """Add the gradients of the whole batch to `place`; in one pass where the rule can.

        Args:
            name: the parameter.
            delta: output gradients.
            place: where to add; the entries are those of the parameter's first dimension.
            factor: factor of the gradients.
            first: whether to write them to `place`, whatever is there.
        """
        everything = [slice(0, place.shape[2])]
        for gradient in self.gradients(name, delta, slice(0, len(place)), everything):
            if first:
                torch.mul(gradient.reshape(place.shape), factor, out=place)
            else:
                place.add_(gradient.reshape(place.shape), alpha=factor)

    def add_sums(
        self,
        name: str,
        delta: Float[Tensor, "output batch *rest"],
        place: Float[Tensor, "sum output entry entry_size"],
        weights: Sequence[float],
    ) -> None:
        """Add weighted sums of gradients to `place`.

        Args:
            name: the parameter.
            delta: output gradients.
            place: where to add.
            weights: weights of the gradients of a sum, which lie together in the batch.
        """
        for number, weight in enumerate(weights):
            own = slice(number, None, len(weights))
            tensors = {field: value[own] for field, value in self.tensors().items()}
            rule = self.with_tensors(tensors)
            rule.add_gradients(name, delta[:, own], place, weight, first=False)

    def along(
        self,
        name: str,
        directions: Float[Tensor, "step direction size"],
        delta: Float[Tensor, "output batch *rest"],
    ) -> Float[Tensor, "output batch direction"]:
        """Return the products of the gradients with directions.

        Args:
            name: the parameter.
            directions: the directions of each step, whose samples lie together in the batch, as
                many of each.
            delta: output gradients.

        Returns:
            `<direction, gradient>` of every sample.
        """
        size, products = delta.shape[1] // len(directions), []
        for step, own in enumerate(directions):
            rows = slice(step * size, (step + 1) * size)
            if self.work(name, delta[:1]).contracting is None:
                (gradients,) = self.gradients(name, delta, rows, [slice(0, None)])
                products.append((gradients @ own.T).transpose(0, 1))
            else:
                of_outputs = [self.contraction(name, own, row[None], rows) for row in delta]
                products.append(torch.stack(of_outputs).to(delta.dtype))
        return torch.cat(products, 1)

    @abstractmethod
    def work(self, name: str, delta: Float[Tensor, "1 batch *rest"]) -> Work:
        """Return the work per sample of a parameter's gradient and contraction."""

    def contraction(
        self,
        name: str,
        psi: Float[Tensor, "query size"],
        delta: Float[Tensor, "1 batch *rest"],
        rows: slice,
    ) -> Float[Tensor, "rows query"]:
        """Contract the adjoint with per-sample gradients that are not formed (ghost dot product).

        Args:
            name: the parameter.
            psi: adjoint of that parameter.
            delta: output gradients.
            rows: the samples.

        Returns:
            `<psi, gradient>` of every sample and query.

        Raises:
            NotImplementedError: if `work` names no such contraction.
        """
        raise NotImplementedError(f"{type(self).__name__} has no contraction.")
