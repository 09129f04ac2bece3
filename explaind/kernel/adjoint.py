"""The adjoint of the optimizer's momentum: which later steps a gradient acted through.

Carried backward in time (mathematics, section 4):

    Mbar  = mu_{s+1} Mbar - alpha_s P_s abar_s                [query, param]
    psi_s = nu_s Mbar - gamma_s P_s abar_s                    adjoint of the gradient g_s

so that the influence of sample `i` of batch `s` is `kappa_s w_{s,i} <psi_s, grad l_i(theta_s)>`.
Memory is `Q x P`, whatever the number of training samples.
"""

from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor

from explaind.history.history import Block, History

Scale = float | Float[Tensor, " param"]


class GradientAdjoint(NamedTuple):
    """`psi_s` as a matrix times a scalar (the scalar saves a pass over the matrix).

    Attributes:
        matrix: `[query, param]`; overwritten by the next step.
        factor: the scalar.
    """

    matrix: Float[Tensor, "query param"]
    factor: float


class MomentumAdjoint:
    """Carries `Mbar` from the last step to the first.

    Args:
        history: the recorded path.
    """

    def __init__(self, history: History) -> None:
        self._history = history
        self._mbar: Tensor | None = None  # zero at the end of the run

    def step(
        self, block: Block, step: int, averaged: Float[Tensor, "query param"]
    ) -> GradientAdjoint:
        """Take in the averaged gradients of a step.

        Args:
            block: a block of the history that holds the step.
            step: the step; each call is one step earlier than the last.
            averaged: `abar_s`.

        Returns:
            `psi_s`.
        """
        history = self._history
        preconditioner = history.preconditioner(block, step)
        self._carry(step, history.coefficient("alpha", step) * preconditioner, averaged)
        assert self._mbar is not None
        nu, gamma = history.coefficient("nu", step), history.coefficient("gamma", step)
        if isinstance(nu, float) and isinstance(gamma, float) and gamma == 0.0:
            return GradientAdjoint(self._mbar, nu)
        direct = _like(gamma * preconditioner, averaged) * averaged
        return GradientAdjoint(_like(nu, averaged) * self._mbar - direct, 1.0)

    def _carry(self, step: int, scale: Scale, averaged: Tensor) -> None:
        if self._mbar is None:
            self._mbar = -_like(scale, averaged) * averaged
            return
        # mu Mbar as Mbar - (1 - mu) Mbar: 0.9 is off by 3e-8 in float32, 1 - 0.1 only by 1e-9
        forgotten = 1.0 - self._history.coefficient("mu", step + 1)
        _subtract(self._mbar, _like(forgotten, averaged), self._mbar)
        _subtract(self._mbar, _like(scale, averaged), averaged)


def _subtract(target: Tensor, scale: Scale, matrix: Tensor) -> None:
    """`target -= scale * matrix` in place, in one pass."""
    if isinstance(scale, Tensor):
        target.addcmul_(matrix, scale, value=-1.0)
    else:
        target.sub_(matrix, alpha=scale)


def _like(scale: Scale, matrix: Tensor) -> Scale:
    """A scale computed in float64, ready to multiply a matrix of another type."""
    return scale.to(matrix.dtype) if isinstance(scale, Tensor) else scale
