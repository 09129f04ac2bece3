"""Groups of training samples to remove: the most helpful ones, the most harmful ones, any."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

ENDS = {"top": -1, "bottom": 1}
"""Groups of extreme influence; sign that puts their samples first."""


@dataclass(frozen=True)
class Group:
    """Training samples that are removed together.

    Attributes:
        kind: `none`, `top` (most helpful), `bottom` (most harmful) or `random`.
        share: share of the training samples asked for.
        draw: number of the random draw; 0 for the others.
        samples: the training samples.
    """

    kind: str
    share: float
    draw: int
    samples: Int[np.ndarray, " removed"]


def removed_groups(
    influence: Float[np.ndarray, " train"], shares: tuple[float, ...], draws: int, seed: int
) -> Iterator[Group]:
    """Choose the groups by the influence of the training samples on the targets.

    Args:
        influence: influence of every training sample, positive = helpful.
        shares: shares of the training samples, their number rounded up.
        draws: random groups of each share.
        seed: seed of the random groups.

    Yields:
        The empty group, a control; then for every share the top, the bottom and the random ones.
        Samples of equal influence are taken in the order of their indices. A top or bottom group
        contains the smaller ones of its kind; random groups of a share have no sample in common
        until all samples are used up.
    """
    train = len(influence)
    ends = {kind: np.argsort(sign * influence, kind="stable") for kind, sign in ENDS.items()}
    yield Group("none", 0.0, 0, np.arange(0))
    for share in shares:
        size = math.ceil(share * train)
        for kind, order in ends.items():
            yield Group(kind, share, 0, order[:size])
        for draw in range(draws):
            yield Group("random", share, draw, _random_block(train, size, draw, seed))


def _random_block(train: int, size: int, draw: int, seed: int) -> Int[np.ndarray, " removed"]:
    """Return a block of the samples in random order; used up, they are put in another order."""
    order, block = divmod(draw, train // size)
    shuffled = np.random.default_rng((seed, size, order)).permutation(train)
    return shuffled[block * size : (block + 1) * size]
