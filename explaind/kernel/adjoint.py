"""The adjoint of the optimizer's momentum: which later steps a gradient acted through.

Carried backward in time (mathematics, section 4):

    Mbar  = mu_{s+1} Mbar - alpha_s P_s abar_s                [query, param]
    psi_s = kappa_s (nu_s Mbar - gamma_s P_s abar_s)          adjoint of the batch gradient g_s

so that the influence of sample `i` of batch `s` is `w_{s,i} <psi_s, grad l_i(theta_s)>`. Memory is
`Q x P`, whatever the number of training samples.
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
        clip, nu = history.clip(step), history.coefficient("nu", step)
        gamma = history.coefficient("gamma", step)
        if isinstance(nu, float) and isinstance(gamma, float) and gamma == 0.0:
            return GradientAdjoint(self._mbar, clip * nu)
        return GradientAdjoint(nu * self._mbar - gamma * preconditioner * averaged, clip)

    def _carry(self, step: int, scale: Scale, averaged: Tensor) -> None:
        if self._mbar is None:
            self._mbar = -scale * averaged
            return
        self._mbar.mul_(self._history.coefficient("mu", step + 1))
        if isinstance(scale, Tensor):
            self._mbar.addcmul_(averaged, scale, value=-1.0)
        else:
            self._mbar.add_(averaged, alpha=-scale)
