"""The adjoint of a gradient: what later steps made of it.

That of the path kernel is the optimizer's momentum, carried backward in time (mathematics,
section 4):

    Mbar  = mu_{s+1} Mbar - alpha_s P_s abar_s                [query, param]
    psi_s = nu_s Mbar - gamma_s P_s abar_s                    adjoint of the gradient g_s

so that the influence of sample `i` of batch `s` is `kappa_s w_{s,i} <psi_s, grad l_i(theta_s)>`.
Memory is `Q x P`, whatever the number of training samples (more only for `application_step`).
"""

from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from explaind.history.replay.history import Block, History, Scale
from explaind.kernel.trajectory.intervals import interval_of

RESCALED = 1e-3
"""Scalar in front of `Mbar` below which it is multiplied in."""


class GradientAdjoint(NamedTuple):
    """`psi_s` as a matrix times a scalar (the scalar saves a pass over the matrix).

    Attributes:
        matrix: `[query, param]`, one part of the queries after the other if `Mbar` is split;
            overwritten by the next step.
        factor: the scalar.
    """

    matrix: Float[Tensor, "query param"]
    factor: float


@runtime_checkable
class Averaged(Protocol):
    """Averaged gradients of the queries over a step, perhaps not formed."""

    @property
    def matrix(self) -> Float[Tensor, "query param"]:
        """The gradients, formed."""

    def add_to(self, place: Float[Tensor, "query param"], factor: float) -> None:
        """Add the gradients times a factor to a matrix."""


@dataclass(frozen=True)
class Formed:
    """Averaged gradients that are a matrix.

    Attributes:
        matrix: the matrix.
    """

    matrix: Float[Tensor, "query param"]

    def add_to(self, place: Float[Tensor, "query param"], factor: float) -> None:
        """Add the matrix times a factor."""
        place.add_(self.matrix, alpha=factor)


@runtime_checkable
class Adjoint(Protocol):
    """What the loop over the steps needs of an adjoint, carried from the last step to the first.

    Attributes:
        parts: interval that each part of the adjoint is credited to, the present one first.
    """

    parts: list[int]

    def step(self, block: Block, step: int, averaged: Averaged) -> GradientAdjoint:
        """Take in a step.

        Args:
            block: a block of the history that holds the step.
            step: the step; each call is one step earlier than the last.
            averaged: averaged gradients of the queries over the step.

        Returns:
            Adjoint of the step's gradient for all queries, one part after the other.
        """


class MomentumAdjoint:
    """The adjoint of the path kernel: carries `Mbar` from the last step to the first.

    With interval bounds, `Mbar` is split by the interval in which the parameters moved: one matrix
    for the interval of the present step and a tail of every later interval that gradients still
    act on. A tail dies out as the product of `mu`; below the tolerance it is joined to the present
    interval, so that nothing is lost. Memory is `(1 + tails) x Q x P`; with intervals longer than
    the momentum's memory there is at most one tail.

    Args:
        history: the recorded path.
        bounds: bounds of the intervals to tell apart; None = do not split.
        tolerance: share of a tail's momentum that may be credited to the wrong interval.

    Attributes:
        parts: the interval of each part of `Mbar`, the present one first; `[0]` unless split.
    """

    def __init__(
        self, history: History, bounds: np.ndarray | None = None, tolerance: float = 0.0
    ) -> None:
        self._history = history
        self._bounds = bounds
        self._tolerance = tolerance
        self._mbar: Tensor | None = None  # [part, query, param], less a scalar; zero at the end
        self._scale = 1.0  # that scalar: what momentum forgot, without a pass over the matrix
        self._share: list[float] = []  # of the momentum at the end of its interval
        self.parts: list[int] = []

    def step(self, block: Block, step: int, averaged: Averaged) -> GradientAdjoint:
        """Take in the averaged gradients of a step.

        Args:
            block: a block of the history that holds the step.
            step: the step; each call is one step earlier than the last.
            averaged: `abar_s`.

        Returns:
            `psi_s` of all queries, one part after the other.
        """
        history = self._history
        of_gradient, of_step = history.preconditioner(block, step)
        mbar = self._mbar = self._carried(step, averaged)
        moved = history.coefficient("alpha", step) * of_step / self._scale
        _subtract(mbar[0], moved, averaged)
        nu = history.coefficient("nu", step) * of_gradient
        gamma = history.coefficient("gamma", step)
        if isinstance(nu, float) and isinstance(gamma, float) and gamma == 0.0:
            return GradientAdjoint(mbar.flatten(0, 1), nu * self._scale)
        psi = _like(nu * self._scale, mbar) * mbar
        _subtract(psi[0], gamma * of_step * of_gradient, averaged)
        return GradientAdjoint(psi.flatten(0, 1), 1.0)

    def _carried(self, step: int, averaged: Averaged) -> Tensor:
        """`mu_{s+1} Mbar`, with a part for the interval of this step."""
        mbar, interval = self._mbar, self._interval(step)
        if mbar is None:
            self.parts, self._share = [interval], [1.0]
            return torch.zeros_like(averaged.matrix)[None]
        self._forget(mbar, self._history.coefficient("mu", step + 1))
        decay = self._history.largest("mu", step + 1)
        self._share = [1.0, *(share * decay for share in self._share[1:])]
        if interval != self.parts[0]:
            mbar = torch.cat([torch.zeros_like(mbar[:1]), mbar])
            self.parts, self._share = [interval, *self.parts], [1.0, decay, *self._share[1:]]
        return self._joined(mbar)

    def _forget(self, mbar: Tensor, mu: Scale) -> None:
        """Multiply `Mbar` by `mu`."""
        if isinstance(mu, Tensor):
            # as Mbar - (1 - mu) Mbar: 0.9 is off by 3e-8 in float32, 1 - 0.1 only by 1e-9
            mbar.addcmul_(mbar, (1.0 - mu).to(mbar.dtype), value=-1.0)
            return
        self._scale *= mu
        if self._scale < RESCALED:
            mbar.mul_(self._scale)
            self._scale = 1.0

    def _joined(self, mbar: Tensor) -> Tensor:
        """Join the oldest tails to the present interval if they have died out."""
        kept = [share > self._tolerance for share in self._share].count(True)
        if kept == len(self.parts):
            return mbar
        mbar[0] += mbar[kept:].sum(0)
        self.parts, self._share = self.parts[:kept], self._share[:kept]
        return mbar[:kept].clone()  # frees the tails

    def _interval(self, step: int) -> int:
        return 0 if self._bounds is None else interval_of(self._bounds, step)


def _subtract(target: Tensor, scale: Scale, averaged: Averaged) -> None:
    """`target -= scale * averaged` in place, in one pass."""
    if isinstance(scale, Tensor):
        target.addcmul_(averaged.matrix, scale.to(target.dtype), value=-1.0)
    else:
        averaged.add_to(target, -scale)


def _like(scale: Scale, matrix: Tensor) -> Scale:
    """A scale computed in float64, ready to multiply a matrix of another type."""
    return scale.to(matrix.dtype) if isinstance(scale, Tensor) else scale
