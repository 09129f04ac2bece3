"""Quadrature rules for the averaged gradient of a step (mathematics, section 2)."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from explaind.choices import QUADRATURE_RULES, QuadratureRule
from explaind.errors import ConfigError

RICHARDSON = 4 / 3
"""Share of the values of `2n` subintervals in the extrapolation from `n`, of order two."""


@dataclass(frozen=True)
class Quadrature:
    """How `abar_s = integral_0^1 grad h(theta_s + t Delta_s) dt` is computed.

    Every rule divides the step into equal subintervals. `secant` takes one gradient at the midpoint
    of each, with the secant slopes of piecewise-linear ops; `gauss_legendre` takes `nodes`
    plain gradients (the better rule for smooth networks); `midpoint` takes one plain gradient (the
    published rule). `auto` is `secant` where the model has piecewise-linear ops and
    `gauss_legendre` where it has none.

    With a tolerance, each explained sample doubles its own subintervals until the residual of the
    step is below `tolerance * (|data part| + |decay part|)` for every one of its outputs; refined
    secant values are extrapolated (Richardson, `(4 I_2n - I_n) / 3`). A tolerance of 0 always
    refines to `max_subintervals`.

    Attributes:
        rule: the rule.
        subintervals: number of subintervals to begin with.
        nodes: Gauss-Legendre nodes per subinterval.
        tolerance: allowed relative residual per step; None keeps `subintervals` fixed.
        max_subintervals: where refinement ends.
    """

    rule: QuadratureRule = "auto"
    subintervals: int = 1
    nodes: int = 2
    tolerance: float | None = 0.005
    max_subintervals: int = 16

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            ConfigError: naming the field.
        """
        if self.rule not in QUADRATURE_RULES:
            raise ConfigError(
                f"quadrature.rule: expected one of {QUADRATURE_RULES}, got {self.rule!r}."
            )
        for name in ("subintervals", "nodes", "max_subintervals"):
            if getattr(self, name) < 1:
                raise ConfigError(f"quadrature.{name}: expected >= 1, got {getattr(self, name)}.")
        if self.tolerance is not None and self.tolerance < 0:
            raise ConfigError(f"quadrature.tolerance: expected >= 0, got {self.tolerance}.")

    def resolved(self, piecewise_linear: bool) -> "Quadrature":
        """Return the same quadrature with `auto` decided by whether there are such ops."""
        if self.rule != "auto":
            return self
        return replace(self, rule="secant" if piecewise_linear else "gauss_legendre")

    def unit_nodes(self) -> tuple[tuple[float, float], ...]:
        """Return `(position, weight)` of the nodes inside one subinterval scaled to [0, 1]."""
        if self.rule != "gauss_legendre":
            return ((0.5, 1.0),)
        positions, weights = np.polynomial.legendre.leggauss(self.nodes)
        return tuple(
            (float(position) / 2 + 0.5, float(weight) / 2)
            for position, weight in zip(positions, weights, strict=True)
        )

    def counts(self) -> list[int]:
        """Return the numbers of subintervals tried one after the other."""
        counts = [self.subintervals]
        while self.tolerance is not None and 2 * counts[-1] <= self.max_subintervals:
            counts.append(2 * counts[-1])
        return counts

    def failing(
        self,
        explained: Float[Tensor, "sample output component part"],
        change: Float[Tensor, "sample output"],
        h: Float[Tensor, "sample output"],
    ) -> Bool[Tensor, " sample"]:
        """Return which samples need more subintervals.

        Args:
            explained: change along each part of the step.
            change: the true change.
            h: value after the step, by which rounding is judged.

        Returns:
            Those of which an output has a residual above the tolerance and rounding.
        """
        if not self.tolerance:
            return torch.ones(len(change), dtype=torch.bool, device=change.device)
        explained = explained.sum(2)
        residual = (change - explained.sum(-1)).abs()
        rounding = 4 * torch.finfo(h.dtype).eps * (1 + h.abs())
        allowed = self.tolerance * explained.abs().sum(-1) + rounding
        failing: Tensor = (residual > allowed).any(1)
        return failing
