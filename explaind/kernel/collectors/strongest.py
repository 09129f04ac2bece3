"""The strongest training samples of every query, for training sets too large for a matrix."""

from jaxtyping import Float
from torch import Tensor

TOP = ("helpful_index", "helpful_influence", "harmful_index", "harmful_influence")
TOTAL = "influence_total"
"""What a time segment hands on in their place: they can only be told from the sum of all."""

BY_COMPONENT = "_by_component"
"""Ending of the same arrays through each component."""


def top_samples(influence: Float[Tensor, "*query train"], count: int) -> dict[str, Tensor]:
    """Find the most helpful and the most harmful training samples.

    Args:
        influence: influence of all training samples.
        count: how many of each; fewer if there are fewer training samples.

    Returns:
        `helpful_index`, `helpful_influence` (largest first) and `harmful_index`,
        `harmful_influence` (smallest first), all `[*query, rank]`.
    """
    count = min(count, influence.shape[-1])
    largest, smallest = (influence.topk(count, largest=flag) for flag in (True, False))
    found = (largest.indices, largest.values, smallest.indices, smallest.values)
    return dict(zip(TOP, found, strict=True))
