"""Weights whose per-sample gradient is a sum of outer products.

With layer inputs `a` and output gradients `delta` at the places `t` (tokens, pixels) of a sample,

    gradient of the weight = sum_t delta_t a_t^T,      gradient of the bias = sum_t delta_t

in independent groups of channels (one, but for grouped convolutions).
"""

import math
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from explaind.kernel.gradients.rule import MOVES, LayerRule, Work

CONVERTED_TOGETHER = 2**17
"""Numbers converted to float64 at once: they stay in the cache."""

MOVES_OF_ONE_PLACE = 2
"""`MOVES` where each sample has one place: numbers are multiplied and summed in float32, as short
sums may be."""


class Sizes(NamedTuple):
    """Sizes of the factors of one sample.

    Attributes:
        groups: independent groups of channels.
        places: places whose outer products are summed.
        out: numbers of an output gradient, in a group and at a place.
        inputs: numbers of a layer input there.
    """

    groups: int
    places: int
    out: int
    inputs: int


@dataclass(frozen=True, kw_only=True)
class OuterProductRule(LayerRule):
    """A layer whose weight gradient is a sum of outer products.

    Attributes:
        weight: name of the weight; None if it is no parameter.
        bias: name of the bias; None if it is no parameter.
        x: layer input, batch first.
        transposed: whether the weight is stored as `[in, out]`.
    """

    weight: str | None
    bias: str | None
    x: Tensor
    transposed: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters used."""
        return tuple(name for name in (self.weight, self.bias) if name is not None)

    @abstractmethod
    def left(
        self, delta: Float[Tensor, "output batch *rest"], rows: slice
    ) -> Float[Tensor, "output rows group place out"]:
        """Return the factors that are output gradients, for some samples."""

    @abstractmethod
    def right(self, rows: slice) -> Float[Tensor, "rows group place in"]:
        """Return the factors that are layer inputs, for some samples."""

    @abstractmethod
    def sizes(self, delta: Float[Tensor, "output batch *rest"]) -> Sizes:
        """Return the sizes of the factors of one sample."""

    def gradients(
        self, name: str, delta: Float[Tensor, "output batch *rest"], rows: slice, parts: list[slice]
    ) -> Iterator[Float[Tensor, "rows output size"]]:
        """Yield the gradients of the weight or the bias."""
        left = self.left(delta, rows)
        if name == self.bias:
            summed = left.sum(3).transpose(0, 1).flatten(2)
            yield from (summed[:, :, part] for part in parts)
            return
        right = self.right(rows)
        for part in parts:
            if self.transposed:
                yield _outer(right[None, ..., part], left)
            else:
                yield _outer_of_groups(left, right, part)

    def add_gradients(
        self,
        name: str,
        delta: Float[Tensor, "output batch *rest"],
        place: Float[Tensor, "batch output entry entry_size"],
        factor: float,
        first: bool,
    ) -> None:
        """Add the gradients of the whole batch; outer products of one place are never stored."""
        sizes, everything = self.sizes(delta), slice(0, place.shape[0])
        if (sizes.groups, sizes.places) != (1, 1):
            super().add_gradients(name, delta, place, factor, first)
            return
        left = self.left(delta, everything).flatten(2).transpose(0, 1)[..., None]
        if name == self.bias:
            if first:
                torch.mul(left, factor, out=place)
            else:
                place.add_(left, alpha=factor)
            return
        right = self.right(everything).flatten(1)[:, None, None]
        if self.transposed:
            left, right = right.mT, left.mT
        if first:
            torch.mul(factor * left, right, out=place)
        else:
            place.addcmul_(left, right, value=factor)

    def add_sums(
        self,
        name: str,
        delta: Float[Tensor, "output batch *rest"],
        place: Float[Tensor, "sum output entry entry_size"],
        weights: Sequence[float],
    ) -> None:
        """Add weighted sums of gradients; those of one place are products of thin matrices."""
        sizes, everything = self.sizes(delta), slice(0, None)
        if (sizes.groups, sizes.places) != (1, 1):
            super().add_sums(name, delta, place, weights)
            return
        shape = len(place), len(weights)
        left, factor = self.left(delta, everything).reshape(len(delta), *shape, -1), weights[0]
        if any(weight != factor for weight in weights):
            terms = [left[:, :, number] * weight for number, weight in enumerate(weights)]
            left, factor = torch.stack(terms, 2), 1.0
        if name == self.bias:
            place.add_(left.sum(2).transpose(0, 1)[..., None], alpha=factor)
            return
        right = self.right(everything).reshape(*shape, -1)
        for number, of_output in enumerate(left):
            outer = (right, of_output) if self.transposed else (of_output, right)
            place[:, number].baddbmm_(outer[0].mT, outer[1], alpha=factor)

    def contraction(
        self,
        name: str,
        psi: Float[Tensor, "query size"],
        delta: Float[Tensor, "1 batch *rest"],
        rows: slice,
    ) -> Float64[Tensor, "rows query"]:
        """Return `<psi, gradient>` without forming the gradient: `sum_t (psi a_t) . delta_t`.

        The wider side is summed first, so that little lies between the two products. The second
        one is where terms cancel: over many places it is taken in float64.
        """
        left = self.left(delta, rows)[0]
        if name == self.bias:
            return (left.sum(2).flatten(1) @ psi.T).double()
        right = self.right(rows)
        inputs = right.shape[-1]
        samples, groups, places, out = left.shape
        layout = (inputs, out) if self.transposed else (out, inputs)
        split = psi.view(len(psi), groups, *layout)
        split = split.transpose(2, 3) if self.transposed else split
        wide, narrow = (left, right) if out >= inputs else (right, left)
        split = split if out >= inputs else split.transpose(2, 3)
        if groups == places == 1:
            return _of_one_place(split[:, 0], wide[:, 0, 0], narrow[:, 0, 0])
        matrices = split.permute(1, 2, 0, 3).flatten(2)  # group, wide, (query, narrow)
        between = wide.transpose(0, 1).reshape(groups, samples * places, -1) @ matrices
        between = between.view(groups, samples, places, len(psi), -1)
        return _in_float64(between, narrow.transpose(0, 1))

    def along(
        self,
        name: str,
        directions: Float[Tensor, "step direction size"],
        delta: Float[Tensor, "output batch *rest"],
    ) -> Float[Tensor, "output batch direction"]:
        """Return the products with directions; in one product where each sample has one place."""
        sizes, everything, steps = self.sizes(delta), slice(0, None), len(directions)
        if (sizes.groups, sizes.places) != (1, 1):
            return super().along(name, directions, delta)
        left = self.left(delta, everything).reshape(len(delta), steps, -1, sizes.out)
        if name == self.bias:
            of_bias: Tensor = left @ directions.mT
            return of_bias.flatten(1, 2)
        right = self.right(everything).reshape(steps, -1, sizes.inputs)
        layout = (sizes.inputs, sizes.out) if self.transposed else (sizes.out, sizes.inputs)
        matrices = directions.reshape(*directions.shape[:2], *layout)
        matrices = matrices.mT if self.transposed else matrices  # step, direction, out, in
        between = right @ matrices.flatten(1, 2).mT
        between = between.view(*between.shape[:2], -1, sizes.out)
        products: Tensor = (between * left[..., None, :]).sum(-1)
        return products.flatten(1, 2)

    def work(self, name: str, delta: Float[Tensor, "1 batch *rest"]) -> Work:
        """Return the work of forming and of contracting."""
        groups, places, out, inputs = self.sizes(delta)
        if name == self.bias:
            read = groups * places * out
            return Work(gradient=groups * out, read=read, forming=read)
        size = groups * out * inputs
        return Work(
            gradient=size,
            read=groups * places * (out + inputs),
            forming=2 * places * size,
            contracting=2 * places * size,
            between=groups * places * min(out, inputs),
            moves=MOVES_OF_ONE_PLACE if groups == places == 1 else MOVES,
        )


@dataclass(frozen=True, kw_only=True)
class LinearRule(OuterProductRule):
    """`y = x W^T + b`, or `y = x W` (transposed); the places are all dimensions in between."""

    def left(
        self, delta: Float[Tensor, "output batch *rest"], rows: slice
    ) -> Float[Tensor, "output rows 1 place out"]:
        """Return the output gradients, in one group."""
        return _one_group(delta[:, rows], 2)

    def right(self, rows: slice) -> Float[Tensor, "rows 1 place in"]:
        """Return the layer inputs, in one group."""
        return _one_group(self.x[rows], 1)

    def sizes(self, delta: Float[Tensor, "output batch *rest"]) -> Sizes:
        """Return the sizes of the factors of one sample."""
        return Sizes(1, math.prod(delta.shape[2:-1]), delta.shape[-1], self.x.shape[-1])


def _outer(
    rows_of: Float[Tensor, "*output rows group place row"],
    columns_of: Float[Tensor, "*any_output rows group place column"],
) -> Float[Tensor, "rows output size"]:
    """Sums of outer products over the places, one matrix `[row, column]` per group."""
    if rows_of.shape[3] == 1:  # a plain product is faster than a product of thin matrices
        product = rows_of[..., 0, :, None] * columns_of[..., 0, None, :]
    else:
        product = rows_of.transpose(-2, -1) @ columns_of
    return product.transpose(0, 1).flatten(2)


def _outer_of_groups(
    left: Float[Tensor, "output rows group place out"],
    right: Float[Tensor, "rows group place in"],
    part: slice,
) -> Float[Tensor, "rows output size"]:
    """Outer products of some of the output channels, which are numbered through all groups."""
    out, inputs = left.shape[4], right.shape[3]
    groups = slice(part.start // out, (part.stop - 1) // out + 1)
    before = groups.start * out
    left, right = left[:, :, groups], right[:, groups]
    if left.shape[2] == 1:
        return _outer(left[..., part.start - before : part.stop - before], right)
    whole = _outer(left, right)
    return whole[:, :, (part.start - before) * inputs : (part.stop - before) * inputs]


def _of_one_place(
    psi: Float[Tensor, "query wide narrow"],
    wide: Float[Tensor, "rows wide"],
    narrow: Float[Tensor, "rows narrow"],
) -> Float64[Tensor, "rows query"]:
    """Products with one outer product per sample; the adjoint is read where it lies, not copied."""
    if len(wide) > narrow.shape[1]:  # a product of matrices with few columns is slow
        between = torch.bmm(psi.mT, wide.T.expand(len(psi), -1, -1))
        return between.mul_(narrow.T).sum(1).T.double()
    between = torch.bmm(wide.expand(len(psi), -1, -1), psi)
    return between.mul_(narrow).sum(2).T.double()


def _in_float64(
    between: Float[Tensor, "group rows place query narrow"],
    narrow: Float[Tensor, "group rows place narrow"],
) -> Float64[Tensor, "rows query"]:
    """Products over the last dimension, summed over groups and places; a few rows at a time."""
    groups, rows, places, queries, width = between.shape
    products = between.new_empty(rows, queries, dtype=torch.float64)
    size = max(1, CONVERTED_TOGETHER // (groups * places * queries * width))
    for start in range(0, rows, size):
        piece = slice(start, start + size)
        product = between[:, piece].double() @ narrow[:, piece, ..., None].double()
        torch.sum(product[..., 0], (0, 2), out=products[piece])
    return products


def _one_group(tensor: Tensor, leading: int) -> Tensor:
    """Merge the dimensions between the leading ones and the last; put a group axis before them."""
    return tensor.reshape(*tensor.shape[:leading], 1, -1, tensor.shape[-1])
