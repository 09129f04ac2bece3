"""The query side of a step: true change and averaged derivative of every query.

The loop over subintervals and their refinement is the same whatever derivative is averaged
(see `derivative`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from explaind.kernel.nonsmooth.secant import Op, SecantEnds, recorded
from explaind.kernel.query.derivative import Derivative
from explaind.kernel.query.quadrature import Quadrature
from explaind.trees import Inputs, Targets, batch_size, rows_of, take

Batch = tuple[Inputs, Targets]


@dataclass(frozen=True)
class PathPoint:
    """The queries' forward pass at one point of the path.

    Attributes:
        theta: the parameters.
        h: value of every query, `[sample, output]`.
        ops: piecewise-linear ops of the pass; none where the quadrature has no secant slopes.
    """

    theta: Float[Tensor, " param"]
    h: Float[Tensor, "sample output"]
    ops: list[Op]


@dataclass(frozen=True)
class StepDerivative:
    """What one step did to every query.

    Attributes:
        averaged: averaged derivative: `abar_s` itself (`FullGradient`) or its products with the
            parts of the step (`AlongParts`).
        explained: change along each part of the step, by component where they are told apart.
        change: `h(theta_{s+1}) - h(theta_s)`.
        subintervals: subintervals used per sample.
    """

    averaged: Float[Tensor, "sample output width"]
    explained: Float[Tensor, "sample output component part"]
    change: Float[Tensor, "sample output"]
    subintervals: Int[Tensor, " sample"]


class Queries:
    """All explained samples, in blocks small enough for the forward and backward passes.

    Args:
        derivative: what is averaged.
        quadrature: the rule, with `auto` decided.
        x: inputs of all samples.
        y: their targets.
        block: samples per block.
        sample_first: whether the inputs of all piecewise-linear ops have the sample first, so that
            those of some samples can be picked out.

    Attributes:
        quadrature: as given.
    """

    def __init__(
        self,
        derivative: Derivative,
        quadrature: Quadrature,
        x: Inputs,
        y: Targets,
        block: int,
        sample_first: bool,
    ) -> None:
        self.quadrature = quadrature
        self._derivative, self._sample_first = derivative, sample_first
        self._nodes = quadrature.unit_nodes()
        self._blocks: list[Batch] = [
            (rows_of(x, start, start + block), rows_of(y, start, start + block))
            for start in range(0, batch_size(x), block)
        ]
        self._latest: int | None = None
        self._starts: list[PathPoint | None] = [None] * len(self._blocks)

    def values(self, theta: Float[Tensor, " param"]) -> Float[Tensor, "sample output"]:
        """Return the value of every query at these parameters."""
        return torch.cat([self._point(block, theta).h for block in self._blocks])

    def step(
        self,
        number: int,
        start: Float[Tensor, " param"],
        end: Float[Tensor, " param"],
        parts: Float[Tensor, "part param"],
    ) -> StepDerivative:
        """Average the derivatives over one step; steps are asked for backward in time.

        Samples whose residual is too large are integrated again with twice the subintervals.

        Args:
            number: the step, `s`.
            start: `theta_s`.
            end: `theta_{s+1}`.
            parts: the data part and the regularisation part of the step, whose sum is `end -
                start`.

        Returns:
            The averaged derivatives and the true changes.
        """
        pieces = []
        for block, ends in self._ends(number, start, end):
            pieces.append(self._refined(block, ends, parts))
        return _joined(pieces)

    def step_by_block(
        self,
        number: int,
        start: Float[Tensor, " param"],
        end: Float[Tensor, " param"],
        parts: Float[Tensor, "part param"],
    ) -> Iterator[StepDerivative]:
        """Average the derivatives over one step, with those of one block in memory at a time.

        Args:
            number: see `step`; so for all others.
            start: `theta_s`.
            end: `theta_{s+1}`.
            parts: the parts of the step.

        Yields:
            The derivatives and changes of each block, in the order of the samples.
        """
        for block, ends in self._ends(number, start, end):
            yield self._refined(block, ends, parts)

    def _ends(
        self, number: int, start: Float[Tensor, " param"], end: Float[Tensor, " param"]
    ) -> Iterator[tuple[Batch, list[PathPoint]]]:
        """Every block with its forward passes at both ends of a step."""
        following, self._latest = self._latest, number
        for place, block in enumerate(self._blocks):
            after = self._starts[place]  # of the following step, which starts where this one ends
            if after is None or following != number + 1:
                after = self._point(block, end)
            before = self._starts[place] = self._point(block, start)
            yield block, [before, after]

    def _refined(
        self, block: Batch, ends: list[PathPoint], parts: Float[Tensor, "part param"]
    ) -> StepDerivative:
        """Average the derivatives of a block, with as many subintervals as each sample needs."""
        first, *finer = self.quadrature.counts()
        change, h = ends[-1].h - ends[0].h, ends[-1].h
        ends = self._cut(block, ends, first)
        averaged = coarse = self._integrate(block, ends, first, parts)
        explained = coarse_explained = self._derivative.explained(averaged, parts)
        used = torch.full((len(change),), first, device=change.device)
        active = torch.arange(len(change), device=change.device)
        for count in finer:
            failing = self._failing(explained[active], change[active], h[active])
            rows = failing.nonzero()[:, 0]  # the one number that a GPU waits for
            if not len(rows):
                break
            coarse, coarse_explained = coarse.index_select(0, rows), coarse_explained[rows]
            if len(rows) < len(failing):
                active, block = active[rows], take(block, rows)
                ends = [self._of_samples(point, block, rows) for point in ends]
            ends = self._cut(block, ends, 2)
            fine = self._integrate(block, ends, count, parts)
            fine_explained = self._derivative.explained(fine, parts)
            averaged.index_copy_(0, active, self._extrapolated(coarse, fine))
            explained[active] = self._extrapolated(coarse_explained, fine_explained)
            used[active] = count
            coarse, coarse_explained = fine, fine_explained
        return StepDerivative(averaged, explained, change, used)

    def _cut(self, batch: Batch, ends: list[PathPoint], count: int) -> list[PathPoint]:
        """Cut every subinterval in `count`: passes at the new ends, where the rule needs them."""
        if self.quadrature.rule != "secant":
            return ends
        points = ends[:1]
        for start, end in pairwise(ends):
            move = end.theta - start.theta
            points += [
                self._point(batch, start.theta + part / count * move) for part in range(1, count)
            ]
            points.append(end)
        return points

    def _integrate(
        self,
        batch: Batch,
        ends: list[PathPoint],
        count: int,
        parts: Float[Tensor, "part param"],
    ) -> Float[Tensor, "sample output width"]:
        """Composite rule with `count` subintervals; secant slopes are those between `ends`."""
        start, move = ends[0].theta, ends[-1].theta - ends[0].theta
        secant = self.quadrature.rule == "secant"
        total = move.new_empty(*ends[0].h.shape, self._derivative.width(parts))
        for part in range(count):
            slopes = _slopes(*ends[part : part + 2]) if secant else None
            for number, (position, weight) in enumerate(self._nodes):
                theta, first = start + (part + position) / count * move, part == number == 0
                self._derivative.add_to(total, weight / count, theta, batch, slopes, parts, first)
        return total

    def _extrapolated(self, coarse: Tensor, fine: Tensor) -> Tensor:
        """Richardson's step from `n` to `2n` subintervals, of secant values only; in `coarse`."""
        return coarse.lerp_(fine, 4 / 3) if self.quadrature.rule == "secant" else fine

    def _failing(
        self,
        explained: Float[Tensor, "sample output component part"],
        change: Float[Tensor, "sample output"],
        h: Float[Tensor, "sample output"],
    ) -> Bool[Tensor, " sample"]:
        """Samples of which an output has a residual above the tolerance and rounding."""
        tolerance = self.quadrature.tolerance
        if not tolerance:
            return torch.ones(len(change), dtype=torch.bool, device=change.device)
        explained = explained.sum(2)
        residual = (change - explained.sum(-1)).abs()
        rounding = 4 * torch.finfo(h.dtype).eps * (1 + h.abs())
        allowed = tolerance * explained.abs().sum(-1) + rounding
        failing: Tensor = (residual > allowed).any(1)
        return failing

    @torch.no_grad()
    def _point(self, batch: Batch, theta: Float[Tensor, " param"]) -> PathPoint:
        """Forward pass of some samples at these parameters; its ops, where the rule needs them."""
        function, params = self._derivative.function, self._derivative.layout.unflatten(theta)
        if self.quadrature.rule == "secant":
            h, ops = recorded(function, params, *batch)
        else:
            h, ops = function(params, *batch), []
        return PathPoint(theta, h.reshape(len(h), -1), ops)

    def _of_samples(
        self, point: PathPoint, batch: Batch, rows: Int[Tensor, " sample"]
    ) -> PathPoint:
        """The pass of some of the samples, `batch`: picked out where that can be done."""
        if not self._sample_first:
            return self._point(batch, point.theta)
        return PathPoint(point.theta, point.h[rows], [op.rows(rows) for op in point.ops])


def _slopes(start: PathPoint, end: PathPoint) -> SecantEnds:
    return SecantEnds(start.theta, end.theta, start.ops, end.ops)


def _joined(pieces: list[StepDerivative]) -> StepDerivative:
    """The blocks side by side."""
    if len(pieces) == 1:
        return pieces[0]
    return StepDerivative(
        torch.cat([piece.averaged for piece in pieces]),
        torch.cat([piece.explained for piece in pieces]),
        torch.cat([piece.change for piece in pieces]),
        torch.cat([piece.subintervals for piece in pieces]),
    )
