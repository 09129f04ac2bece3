"""The part of every step that regularisation, weight decay and a penalty, is responsible for."""

from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor

from explaind.history.replay.history import Block, History
from explaind.trees import Penalty


def penalty_gradient(
    history: History, theta: Float[Tensor, " param"], penalty: Penalty | None
) -> Float[Tensor, " param"] | float:
    """Return the gradient of the penalty with respect to the flat parameters; 0 without one."""
    if penalty is None:
        return 0.0
    return history.layout.gradient(penalty, theta)


class RegularisationMotion:
    """Splits each recorded step into the motion due to data and that due to regularisation.

    With `e_s = l2_s theta_s + kappa_s grad penalty(theta_s)` (torch adds the L2 term after
    clipping), it passes through momentum like any gradient (divided where the optimizer divides
    gradients):

        R_{s+1}  = mu_s R_s + nu_s e_s
        motion   = - P_s (alpha_s R_{s+1} + gamma_s e_s) - dec_s theta_s

    Nothing is carried for decoupled decay alone (AdamW). Otherwise one pass forward keeps `R` at
    the start of each block, and each block recomputes its own `R`: memory `(S / block) x P`.

    Args:
        history: the recorded path.
        penalty: the explicit penalty of the loss, if there was one.
    """

    def __init__(self, history: History, penalty: Penalty | None = None) -> None:
        self._history = history
        self._penalty = penalty
        self._through_momentum = history.uses("l2") or penalty is not None
        self._at_start: dict[int, Tensor] = {}
        if self._through_momentum:
            carried = torch.zeros((), dtype=torch.float64, device=history.device)
            for block in history.blocks():
                self._at_start[block.start] = carried
                for _, through in self._carry(block):
                    carried = through

    def of_block(self, block: Block) -> Float[Tensor, "steps param"]:
        """Motion due to regularisation in every step of a block returned by `history.blocks()`.

        Args:
            block: the steps.

        Returns:
            The motion; the increment less this is the motion due to the data.
        """
        history = self._history
        steps = range(block.start, block.stop)
        if not self._through_momentum and not history.uses("decoupled"):
            return block.params.new_zeros(()).expand_as(block.params[:-1])
        motion = torch.empty_like(block.params[:-1])
        through = (extra for extra, _ in self._carry(block)) if self._through_momentum else None
        for row, step in zip(motion, steps, strict=True):
            decoupled = -(history.coefficient("decoupled", step) * block.theta(step).double())
            row.copy_(decoupled if through is None else decoupled + next(through))
        return motion

    def gradient(self, block: Block, step: int) -> Float[Tensor, " param"] | float:
        """Return `e_s`, what L2 term and penalty add to the clipped gradient of the batch."""
        if not self._through_momentum:
            return 0.0
        theta = block.theta(step)
        added = self._history.clip(step) * penalty_gradient(self._history, theta, self._penalty)
        return (self._history.coefficient("l2", step) * theta + added).to(theta.dtype)

    def _carry(self, block: Block) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield `(motion through the momentum, R_{s+1})` for each step of the block."""
        history, carried = self._history, self._at_start[block.start]
        for step in range(block.start, block.stop):
            of_gradient, of_step = history.preconditioner(block, step)
            added = of_gradient * torch.as_tensor(self.gradient(block, step)).double()
            mu, nu = history.coefficient("mu", step), history.coefficient("nu", step)
            alpha, gamma = history.coefficient("alpha", step), history.coefficient("gamma", step)
            carried = mu * carried + nu * added
            yield -of_step * (alpha * carried + gamma * added), carried
