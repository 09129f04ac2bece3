"""Influence functions of the encoder, with the curvature of Gauss and Newton.

    score(x, x_n) = grad L(x)^T (G + damping I)^-1 grad L(x_n),
    G = mean over training samples of J^T H J,

`J` the derivative of the output by the parameters of the encoder and `H` the curvature of the loss
in the output. `G` is positive semidefinite, where the Hessian of a network is not; so conjugate
gradients converge, and how well is reported. Every sample has its own: which others are explained
beside it, and how many at once, changes nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import vjp, vmap

from explaind.errors import UnsupportedError
from explaind.labelfree.encoding import MEMORY, pass_bytes
from explaind.labelfree.loss_gradients import BLOCK, Curvature, LossGradients
from explaind.trees import Inputs, LossFunction, Targets, batch_size, rows_of

HELD = 8
"""Vectors of the size of the parameters that solving holds of every sample."""

POWER_STEPS = 20
"""Steps of the power method, which the scale of the damping is taken from."""

Product = Callable[[Float[Tensor, "vector param"]], Float[Tensor, "vector param"]]
"""A symmetric matrix times some vectors, one a row."""


@dataclass(frozen=True)
class Solution:
    """Solutions of `(G + damping I) v = g`, one a row.

    Attributes:
        vectors: the solutions.
        residual: `||(G + damping I) v - g|| / ||g||` of each.
        steps: steps of conjugate gradients.
    """

    vectors: Float[Tensor, "vector param"]
    residual: Float[Tensor, " vector"]
    steps: int


@dataclass(frozen=True)
class Influences:
    """What influence functions find.

    Attributes:
        scores: the influences.
        residual: relative residual of each solution.
        cosine: cosine of each solution and the gradient that it is of: what the curvature changes.
        steps: most steps of conjugate gradients.
    """

    scores: Float[np.ndarray, "test train"]
    residual: Float[np.ndarray, " test"]
    cosine: Float[np.ndarray, " test"]
    steps: int


class InfluenceFunctions:
    """Influence functions (Koh and Liang, 2017): what weighing a sample more would do to a loss.

    Positive: more of the training sample would lower the loss of the explained one. In the unit of
    the loss, for the weight of one training sample times the number of them.

    Args:
        model: the trained model; taken in evaluation mode.
        loss_fn: per-sample losses of its output.
        train: inputs and targets of the training samples.
        curvature: curvature of the loss in its output.
        damping: what is added to the diagonal, as a fraction of the largest eigenvalue.
        tolerance: relative residual at which the solver stops.
        most_steps: most steps of the solver.
        encoder: name of the module that is explained.
        memory: bytes that the samples solved for at once may take; at least one is.
    """

    def __init__(
        self,
        model: nn.Module,
        loss_fn: LossFunction,
        train: tuple[Inputs, Targets],
        curvature: Curvature,
        *,
        damping: float = 1e-2,
        tolerance: float = 1e-4,
        most_steps: int = 200,
        encoder: str = "encoder",
        memory: int = MEMORY,
    ) -> None:
        self._gradients = LossGradients(model, loss_fn, encoder)
        together = min(BLOCK, batch_size(train[0]))  # training samples of one product
        each = HELD * self._gradients.theta.nbytes + together * pass_bytes(model, train[0])
        self._at_once = max(1, memory // each)
        self._train, self._curvature = train, curvature
        self._damping, self._tolerance, self._most_steps = damping, tolerance, most_steps

    def scores(self, x: Inputs, targets: Targets) -> Float[np.ndarray, "test train"]:
        """Score all training samples by their influence on minus the loss of some inputs.

        A solver that does not converge is refused (`UnsupportedError`).

        Args:
            x: inputs to explain.
            targets: what their loss compares the outputs with.

        Returns:
            The influences.
        """
        return self.influences(x, targets).scores

    def influences(self, x: Inputs, targets: Targets) -> Influences:
        """Return the scores, and how well they were solved for.

        A solver that does not converge is refused (`UnsupportedError`).

        Args:
            x: inputs to explain.
            targets: what their loss compares the outputs with.

        Returns:
            The influences.
        """
        scores, residual, cosine, steps = [], [], [], 0
        for start in range(0, batch_size(x), self._at_once):
            end = start + self._at_once
            raw = self.raw_gradients(rows_of(x, start, end), rows_of(targets, start, end))
            solution = self.solve(raw)
            train = self._gradients.at(self._gradients.theta, *self._train)
            scores.append(torch.cat([solution.vectors @ g.T for _, g in train], dim=1))
            residual.append(solution.residual)
            cosine.append(torch.cosine_similarity(solution.vectors, raw))
            steps = max(steps, solution.steps)
        found = [torch.cat(parts).cpu().numpy() for parts in (scores, residual, cosine)]
        return Influences(found[0], found[1], found[2], steps)

    def raw_gradients(self, x: Inputs, targets: Targets) -> Float[Tensor, "sample param"]:
        """Return the gradients of the losses of some inputs, one a row."""
        return self._gradients.all_at(self._gradients.theta, x, targets)

    def solve(self, vectors: Float[Tensor, "vector param"]) -> Solution:
        """Multiply vectors by the inverse of the damped curvature.

        A solver that does not converge is refused (`UnsupportedError`).

        Args:
            vectors: gradients, one a row.

        Returns:
            The solutions.
        """
        damping = self._damping * self._largest
        return conjugate_gradients(
            lambda v: self.curvature_product(v) + damping * v,
            vectors,
            self._tolerance,
            self._most_steps,
        )

    @cached_property
    def _largest(self) -> float:
        """The largest eigenvalue of the curvature."""
        return largest_eigenvalue(self.curvature_product, self._gradients.theta[None])

    @torch.no_grad()
    def curvature_product(
        self, vectors: Float[Tensor, "vector param"]
    ) -> Float[Tensor, "vector param"]:
        """Return `G v` of some vectors, one a row."""
        x, y = self._train
        total = torch.zeros_like(vectors)
        for start in range(0, batch_size(x), BLOCK):
            batch = rows_of(x, start, start + BLOCK), rows_of(y, start, start + BLOCK)
            total += self._block_product(vectors, *batch)
        return total / batch_size(x)

    def _block_product(
        self, vectors: Float[Tensor, "vector param"], x: Inputs, y: Targets
    ) -> Float[Tensor, "vector param"]:
        """The sum over some samples of `J^T H J v`."""
        layout, theta = self._gradients.layout, self._gradients.theta
        with torch.enable_grad():
            linearised = vjp(
                lambda flat: self._gradients.outputs(layout.unflatten(flat), x, y), theta
            )
            output, back = linearised[0], linearised[1]
            # J v is the derivative of J^T u by u: torch has no forward mode for all layers
            forward = vjp(lambda u: back(u)[0], torch.zeros_like(output))[1]

            def product(vector: Float[Tensor, " param"]) -> Float[Tensor, " param"]:
                curved = self._curvature(output, y, forward(vector)[0])
                result: Tensor = back(curved)[0]
                return result

            return vmap(product)(vectors).detach()


def largest_eigenvalue(product: Product, like: Float[Tensor, "vector param"]) -> float:
    """Return the largest eigenvalue of a positive semidefinite matrix, by the power method.

    Args:
        product: the matrix.
        like: vectors of its size, of which the type is taken.

    Returns:
        The eigenvalue, from below.

    Raises:
        UnsupportedError: if it is 0.
    """
    generator = torch.Generator().manual_seed(0)
    vector = torch.randn(1, like.shape[1], generator=generator).to(like)
    size = 0.0
    for _ in range(POWER_STEPS):
        image = product(vector / vector.norm())
        size, vector = float(image.norm()), image
        if size == 0:
            raise UnsupportedError(
                "Influence functions: expected a loss that is curved in the output of the model,"
                " got curvature 0. Give the curvature of its likelihood (`laplace_curvature` of an"
                " absolute error)."
            )
    return size


def conjugate_gradients(
    product: Product, vectors: Float[Tensor, "vector param"], tolerance: float, most_steps: int
) -> Solution:
    """Solve `A v = g` for some `g` at once, with `A` positive definite, each as if it were alone.

    Args:
        product: the matrix `A`.
        vectors: right sides `g`, one a row.
        tolerance: relative residual at which to stop.
        most_steps: most steps.

    Returns:
        The solutions, with residuals worked out anew at the end.

    Raises:
        UnsupportedError: if a residual is still larger.
    """
    size = vectors.norm(dim=1).clamp(min=torch.finfo(vectors.dtype).tiny)
    solution, residual = torch.zeros_like(vectors), vectors.clone()
    direction, power, step = residual.clone(), residual.square().sum(1), 0
    while step < most_steps and bool((goes_on := power.sqrt() > tolerance * size).any()):
        image = product(direction)
        length = torch.where(goes_on, power / (direction * image).sum(1), 0)
        solution = solution + length[:, None] * direction
        residual = residual - length[:, None] * image
        following = residual.square().sum(1)
        ratio = torch.where(power > 0, following / power, 0)
        direction, power, step = residual + ratio[:, None] * direction, following, step + 1
    true = (vectors - product(solution)).norm(dim=1) / size
    if float(true.max()) > 10 * tolerance:  # the updated residual differs from it by rounding
        raise UnsupportedError(
            f"Influence functions: expected residuals of at most {tolerance} in {most_steps} steps,"
            f" got {float(true.max()):.1e}. Take more damping or more steps."
        )
    return Solution(solution, true, step)
