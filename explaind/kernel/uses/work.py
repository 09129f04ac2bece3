"""What the routes to a layer's influence cost, in operations and numbers moved, per sample."""

from typing import NamedTuple


class Work(NamedTuple):
    """Work for one sample of the batch.

    Attributes:
        gradient: numbers of the sample's gradient.
        forming: operations that form it from the backward pass.
        contracting: operations per query of the contraction that never forms it (route c); None if
            there is no such contraction.
        between: numbers per query that lie between the products of that contraction.
    """

    gradient: int
    forming: int
    contracting: int | None = None
    between: int = 0
