"""The walk over all recorded steps, backward in time."""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from explaind.history.decay import DecayMotion
from explaind.history.history import Block, History


class Step(NamedTuple):
    """One recorded step.

    Attributes:
        number: the step `s`.
        block: the block of the history that holds it.
        start: `theta_s`.
        end: `theta_{s+1}`.
        parts: motion due to the data and motion due to decay; their sum is `end - start`.
    """

    number: int
    block: Block
    start: Float[Tensor, " param"]
    end: Float[Tensor, " param"]
    parts: Float[Tensor, "part param"]


def backward_steps(history: History, decay: DecayMotion) -> Iterator[Step]:
    """Yield all steps, the last one first.

    Args:
        history: the recorded path.
        decay: its decay motion.
    """
    for block in history.blocks(reverse=True):
        motion = decay.of_block(block)
        for number in reversed(range(block.start, block.stop)):
            drift = motion[number - block.start]
            parts = torch.stack([block.increment(number) - drift, drift])
            yield Step(number, block, block.theta(number), block.theta(number + 1), parts)
