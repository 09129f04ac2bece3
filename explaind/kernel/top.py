"""The strongest training samples of every query, for training sets too large for a matrix."""

from jaxtyping import Float
from torch import Tensor


def top_samples(influence: Float[Tensor, "query train"], count: int) -> dict[str, Tensor]:
    """Find the most helpful and the most harmful training samples.

    Args:
        influence: total influence.
        count: how many of each; fewer if there are fewer training samples.

    Returns:
        `helpful_index`, `helpful_influence` (largest first) and `harmful_index`,
        `harmful_influence` (smallest first), all `[query, rank]`.
    """
    count = min(count, influence.shape[1])
    largest, smallest = (influence.topk(count, largest=flag) for flag in (True, False))
    return {
        "helpful_index": largest.indices,
        "helpful_influence": largest.values,
        "harmful_index": smallest.indices,
        "harmful_influence": smallest.values,
    }
