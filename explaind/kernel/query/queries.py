"""The query side of a step: true change and averaged derivative of every query.

The loop over subintervals and their refinement is the same whatever derivative is averaged
(see `derivative`).
"""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import torch
from jaxtyping import Float, Int
from torch import Tensor

from explaind.errors import UnsupportedError
from explaind.kernel.nonsmooth.secant import Op, SecantEnds, of_rows, recorded
from explaind.kernel.query.derivative import Derivative, FormedDerivative, StepDerivative
from explaind.kernel.query.quadrature import RICHARDSON, Quadrature
from explaind.kernel.query.stacked_steps import StackedSteps
from explaind.kernel.trajectory.steps import Step
from explaind.trees import Inputs, Targets, batch_size, rows_of, take

logger = logging.getLogger(__name__)

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
        stacked: averages the derivatives over several steps at once; None where the passes of a
            step are work enough.

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
        stacked: StackedSteps | None = None,
    ) -> None:
        self.quadrature, self._stacked = quadrature, stacked
        self._derivative, self._sample_first = derivative, sample_first
        self._nodes = quadrature.unit_nodes()
        self._blocks: list[Batch] = [
            (rows_of(x, start, start + block), rows_of(y, start, start + block))
            for start in range(0, batch_size(x), block)
        ]
        self._latest: int | None = None
        self._starts: list[PathPoint | None] = [None] * len(self._blocks)

    def values(self, theta: Float[Tensor, " param"]) -> Float[Tensor, "sample output"]:
        """Return the value of every query at these parameters, rounded as along the path."""
        if self._stacked is not None:
            return self._stacked.values(theta)
        return torch.cat([self._point(block, theta).h for block in self._blocks])

    def along(self, steps: Iterable[Step]) -> Iterator[tuple[Step, StepDerivative]]:
        """Average the derivatives over steps, over several at once where their passes are small.

        Args:
            steps: the steps, each one earlier than the last.

        Returns:
            Every step and what it did to the queries.
        """
        if self._stacked is not None:
            return self._in_groups(self._stacked, steps)
        return self._one_by_one(steps)

    def _in_groups(
        self, stacked: StackedSteps, steps: Iterable[Step]
    ) -> Iterator[tuple[Step, StepDerivative]]:
        """Average the derivatives over as many steps at a time as are worth it."""
        group: list[Step] = []
        for step in steps:
            group.append(step.copied())  # the block of the history that it is in is not held
            if step.number % stacked.most == 0:  # the same groups, however the history is read
                yield from self._of_group(stacked, group)
                group = []
        yield from self._of_group(stacked, group)

    def _of_group(
        self, stacked: StackedSteps, group: list[Step]
    ) -> Iterator[tuple[Step, StepDerivative]]:
        if not group:
            return iter(())
        try:
            derivatives = stacked.derivatives(group)
        except (UnsupportedError, RuntimeError) as error:  # of torch, for some batches alone
            logger.debug("steps one by one: %s", error)
            return self._one_by_one(group)
        return zip(group, derivatives, strict=True)

    def _one_by_one(self, steps: Iterable[Step]) -> Iterator[tuple[Step, StepDerivative]]:
        """Average the derivatives over one step after the other, of which one is held."""
        for step in steps:
            blocks = self._ends(step)
            yield step, _joined([self._refined(block, ends, step.parts) for block, ends in blocks])

    def step(self, step: Step) -> StepDerivative:
        """Average the derivatives over one step; steps are asked for backward in time.

        Samples whose residual is too large are integrated again with twice the subintervals.

        Args:
            step: the step.

        Returns:
            The averaged derivatives and the true changes.
        """
        ((_, derivative),) = self._one_by_one([step])
        return derivative

    def step_by_block(self, step: Step) -> Iterator[StepDerivative]:
        """Average the derivatives over one step, with those of one block in memory at a time.

        Args:
            step: see `step`.

        Yields:
            The derivatives and changes of each block, in the order of the samples.
        """
        for block, ends in self._ends(step):
            yield self._refined(block, ends, step.parts)

    def _ends(self, step: Step) -> Iterator[tuple[Batch, list[PathPoint]]]:
        """Every block with its forward passes at both ends of a step."""
        following, self._latest = self._latest, step.number
        for place, block in enumerate(self._blocks):
            after = self._starts[place]  # of the following step, which starts where this one ends
            if after is None or following != step.number + 1:
                after = self._point(block, step.end)
            before = self._starts[place] = self._point(block, step.start)
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
            failing = self.quadrature.failing(explained[active], change[active], h[active])
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
        return FormedDerivative(explained, change, used, averaged)

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
        return coarse.lerp_(fine, RICHARDSON) if self.quadrature.rule == "secant" else fine

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
        return PathPoint(point.theta, point.h[rows], [of_rows(op, rows) for op in point.ops])


def _slopes(start: PathPoint, end: PathPoint) -> SecantEnds:
    return SecantEnds(start.theta, end.theta, start.ops, end.ops)


def _joined(pieces: list[StepDerivative]) -> StepDerivative:
    """The blocks side by side."""
    if len(pieces) == 1:
        return pieces[0]
    return FormedDerivative(
        torch.cat([piece.explained for piece in pieces]),
        torch.cat([piece.change for piece in pieces]),
        torch.cat([piece.subintervals for piece in pieces]),
        torch.cat([piece.averaged for piece in pieces]),
    )
