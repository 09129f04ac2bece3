"""The query side of a step: true change and averaged derivative of every query.

The loop over subintervals and their refinement is the same whatever derivative is averaged
(see `derivative`).
"""

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from explaind.kernel.gradients.per_sample import SecantEnds
from explaind.kernel.nonsmooth.secant import Kink, recorded
from explaind.kernel.query.derivative import Derivative
from explaind.kernel.query.quadrature import Quadrature
from explaind.trees import rows_of


@dataclass(frozen=True)
class PathPoint:
    """The queries' forward pass at one point of the path.

    Attributes:
        theta: the parameters.
        h: value of every query, `[sample, output]`.
        kinks: kinked calls of the pass.
    """

    theta: Float[Tensor, " param"]
    h: Float[Tensor, "sample output"]
    kinks: list[Kink]


@dataclass(frozen=True)
class StepDerivative:
    """What one step did to every query.

    Attributes:
        averaged: averaged derivative: `abar_s` itself (`FullGradient`) or its products with the
            parts of the step (`AlongParts`).
        change: `h(theta_{s+1}) - h(theta_s)`.
        subintervals: subintervals used per sample.
    """

    averaged: Float[Tensor, "sample output width"]
    change: Float[Tensor, "sample output"]
    subintervals: Int[Tensor, " sample"]


class QueryBlock:
    """A block of samples whose outputs are explained together.

    Args:
        derivative: what is averaged.
        quadrature: the rule, with `auto` decided.
        x: inputs, batch first.
        y: targets, batch first.
    """

    def __init__(self, derivative: Derivative, quadrature: Quadrature, x: Any, y: Any) -> None:
        self._derivative = derivative
        self._quadrature = quadrature
        self._x, self._y = x, y
        self._last: PathPoint | None = None

    def point(self, theta: Float[Tensor, " param"], rows: Tensor | None = None) -> PathPoint:
        """Forward pass of all samples, or of some, at these parameters."""
        params = self._derivative.layout.unflatten(theta)
        batch = self._rows(rows)
        h, kinks = recorded(lambda: self._derivative.function(params, *batch))
        return PathPoint(theta, h.reshape(len(h), -1), kinks)

    def step(
        self,
        start: Float[Tensor, " param"],
        end: Float[Tensor, " param"],
        parts: Float[Tensor, "part param"],
    ) -> StepDerivative:
        """Averaged derivatives over one step; steps are asked for backward in time.

        Args:
            start: `theta_s`.
            end: `theta_{s+1}`.
            parts: the data part and the decay part of the step, whose sum is `end - start`.

        Returns:
            The averaged derivatives and the true changes.
        """
        last = self._last  # the start of the step after this one is the end of this one
        after = last if last is not None and torch.equal(last.theta, end) else self.point(end)
        before = self._last = self.point(start)
        change = after.h - before.h
        counts = self._quadrature.counts()
        averaged = coarse = self._integrate(before, after, counts[0], parts)
        used = torch.full((len(change),), counts[0], device=change.device)
        active = torch.arange(len(change), device=change.device)
        for count in counts[1:]:
            failing = self._failing(
                averaged if len(active) == len(averaged) else averaged[active],
                change[active],
                after.h[active],
                parts,
            )
            if not failing.any():
                break
            active, coarse = active[failing], coarse[failing]
            ends = self.point(start, active), self.point(end, active)
            fine = self._integrate(*ends, count, parts, active)
            if self._quadrature.rule == "secant":
                averaged[active] = fine.mul(4).sub_(coarse).div_(3)
            else:
                averaged[active] = fine
            used[active] = count
            coarse = fine
        return StepDerivative(averaged, change, used)

    def _failing(
        self,
        averaged: Float[Tensor, "sample output width"],
        change: Float[Tensor, "sample output"],
        h: Float[Tensor, "sample output"],
        parts: Float[Tensor, "part param"],
    ) -> Bool[Tensor, " sample"]:
        """Samples whose residual, taken over all outputs, is above the tolerance and rounding."""
        tolerance = self._quadrature.tolerance
        if not tolerance:
            return torch.ones(len(change), dtype=torch.bool, device=change.device)
        explained = self._derivative.explained(averaged, parts)
        residual = (change - explained.sum(-1)).norm(dim=1)
        rounding = 4 * torch.finfo(h.dtype).eps * (1 + h.abs()).norm(dim=1)
        allowed: Tensor = tolerance * explained.abs().sum(-1).norm(dim=1) + rounding
        failing: Tensor = residual > allowed
        return failing

    def _integrate(
        self,
        before: PathPoint,
        after: PathPoint,
        count: int,
        parts: Float[Tensor, "part param"],
        rows: Tensor | None = None,
    ) -> Float[Tensor, "sample output width"]:
        """Composite rule with `count` subintervals for all samples or some rows."""
        batch = self._rows(rows)
        move = after.theta - before.theta
        secant = self._quadrature.rule == "secant"
        total = move.new_zeros(*before.h.shape, self._derivative.width(parts))
        start = before
        for part in range(count):
            end = after
            if secant and part < count - 1:
                end = self.point(before.theta + (part + 1) / count * move, rows)
            ends = self._ends(start, end) if secant else None
            for position, weight in self._quadrature.unit_nodes():
                theta = before.theta + (part + position) / count * move
                self._derivative.add(total, weight / count, theta, batch, ends, parts)
            start = end
        return total

    def _ends(self, start: PathPoint, end: PathPoint) -> SecantEnds:
        unflatten = self._derivative.layout.unflatten
        return SecantEnds(unflatten(start.theta), unflatten(end.theta), start.kinks, end.kinks)

    def _rows(self, rows: Tensor | None) -> tuple[Any, Any]:
        if rows is None:
            return self._x, self._y
        pick = torch.utils._pytree.tree_map
        return pick(lambda leaf: leaf[rows], self._x), pick(lambda leaf: leaf[rows], self._y)


class QuerySide:
    """All explained samples, in blocks small enough for the forward and backward passes.

    Args:
        derivative: what is averaged.
        quadrature: the rule, with `auto` decided.
        x: inputs of all samples.
        y: their targets.
        block: samples per block.
    """

    def __init__(
        self, derivative: Derivative, quadrature: Quadrature, x: Any, y: Any, block: int
    ) -> None:
        total = len(torch.utils._pytree.tree_leaves(y)[0])
        self._blocks = [
            QueryBlock(
                derivative,
                quadrature,
                rows_of(x, start, start + block),
                rows_of(y, start, start + block),
            )
            for start in range(0, total, block)
        ]

    def values(self, theta: Float[Tensor, " param"]) -> Float[Tensor, "sample output"]:
        """Value of every query at these parameters."""
        return torch.cat([block.point(theta).h for block in self._blocks])

    def step(
        self,
        start: Float[Tensor, " param"],
        end: Float[Tensor, " param"],
        parts: Float[Tensor, "part param"],
    ) -> StepDerivative:
        """`QueryBlock.step` for all samples."""
        found = [block.step(start, end, parts) for block in self._blocks]
        if len(found) == 1:
            return found[0]
        return StepDerivative(
            torch.cat([part.averaged for part in found]),
            torch.cat([part.change for part in found]),
            torch.cat([part.subintervals for part in found]),
        )
