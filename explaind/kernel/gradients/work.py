"""What a use of a parameter gives, and what the routes to its influence cost, per sample."""

from collections.abc import Callable
from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor

Part = Callable[[slice], Float[Tensor, "rows output size"]]
"""Per-sample gradients of some entries of a tensor's first dimension."""


class Work(NamedTuple):
    """Work for one sample of the batch.

    Attributes:
        gradient: numbers of the sample's gradient.
        read: numbers that it is formed from.
        forming: operations that form it from the backward pass.
        contracting: operations per query of the contraction that never forms it (route c); None if
            there is no such contraction.
        between: numbers per query that lie between the products of that contraction.
    """

    gradient: int
    read: int
    forming: int
    contracting: int | None = None
    between: int = 0
