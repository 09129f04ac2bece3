"""The part of every step that gradients before the recording are responsible for.

A recording may begin in the middle of a training. The momentum `m_0` that the optimizer had then
goes on moving the parameters (mathematics, section 9):

    motion_s = - P_s alpha_s (mu_0 ... mu_s) m_0
"""

from jaxtyping import Float
from torch import Tensor

from explaind.history.replay.history import Block, History


class CarriedMotion:
    """Motion of the recorded steps by the momentum that was there before the first one.

    Args:
        history: the recorded path.
    """

    def __init__(self, history: History) -> None:
        self._history = history
        moment = history.first_moment()
        self._moment = None if moment is None else moment.double()

    def of_step(self, block: Block, step: int) -> Float[Tensor, " param"] | None:
        """Return what the gradients before the recording moved in a step.

        Args:
            block: a block of the history that holds the step.
            step: the step.

        Returns:
            The motion; None if the recording began without momentum.
        """
        if self._moment is None:
            return None
        history = self._history
        scale = history.coefficient("alpha", step) * history.kept_momentum(step)
        moved = -scale * history.preconditioner(block, step).of_step * self._moment
        return moved.to(block.params.dtype)
