"""Groups of training samples to remove: the most helpful ones, the most harmful ones, any."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int


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
        Samples of equal influence are taken in the order of their indices. A group contains the
        smaller ones of its kind and draw.
    """
    train = len(influence)
    orders = [
        ("top", 0, np.argsort(-influence, kind="stable")),
        ("bottom", 0, np.argsort(influence, kind="stable")),
        *(
            ("random", draw, np.random.default_rng((seed, draw)).permutation(train))
            for draw in range(draws)
        ),
    ]
    yield Group("none", 0.0, 0, np.arange(0))
    for share in shares:
        for kind, draw, order in orders:
            yield Group(kind, share, draw, order[: math.ceil(share * train)])
