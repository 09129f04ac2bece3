"""Small white shapes on black in the manner of dSprites: shape x scale x rotation x position.

dSprites itself (Matthey et al., 2017, https://github.com/google-deepmind/dsprites-dataset) is read
by `dsprites`; these are drawn here, and few enough for seconds of training.
"""

from collections.abc import Callable
from itertools import product

import numpy as np
from jaxtyping import Bool, Float

from explaind.data.images import ImageSource

TRAIN_FRACTION = 0.8

SCALES = (0.5, 0.65, 0.8, 1.0)  # of the largest, whose radius is a fifth of the picture
ROTATIONS = 8  # over the turn that makes a shape itself again
POSITIONS = 6  # per axis
RADIUS = 0.2
MARGIN = 0.3  # between centre and edge

Inside = Callable[[Float[np.ndarray, "..."], Float[np.ndarray, "..."]], Bool[np.ndarray, "..."]]


def _square(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    inside: np.ndarray = np.maximum(np.abs(u), np.abs(v)) <= 0.8
    return inside


def _ellipse(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    inside: np.ndarray = u**2 + (v / 0.55) ** 2 <= 1
    return inside


def _heart(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    x, y = 1.2 * u, 1.2 * v + 0.1
    inside: np.ndarray = (x**2 + y**2 - 0.8) ** 3 - x**2 * y**3 <= 0
    return inside


SHAPES: dict[str, tuple[Inside, float]] = {
    "square": (_square, np.pi / 2),
    "ellipse": (_ellipse, np.pi),
    "heart": (_heart, 2 * np.pi),
}
"""Whether a point is inside a shape, and the smallest turn that makes it itself again."""


def sprites_source(side: int, seed: int) -> ImageSource:
    """Draw all sprites and split them at random.

    Args:
        side: pixels per side.
        seed: seed of the split; four fifths are for training.

    Returns:
        3,456 grey images of white shapes on black, and their shape as the class.
    """
    places = np.linspace(MARGIN, 1 - MARGIN, POSITIONS)
    pixel = (np.arange(side) + 0.5) / side
    images, labels = [], []
    for label, (inside, whole_turn) in enumerate(SHAPES.values()):
        turns = whole_turn * np.arange(ROTATIONS) / ROTATIONS
        for scale, turn, x, y in product(SCALES, turns, places, places):
            right, up = (
                (pixel[None] - x) / (RADIUS * scale),
                (y - pixel[:, None]) / (RADIUS * scale),
            )
            across = np.cos(turn) * right + np.sin(turn) * up
            along = np.cos(turn) * up - np.sin(turn) * right
            images.append(inside(across, along))
            labels.append(label)
    x = np.uint8(255) * np.stack(images)[..., None]
    y = np.array(labels, dtype=np.int64)
    order = np.random.default_rng(seed).permutation(len(y))
    train, test = np.split(order, [round(TRAIN_FRACTION * len(y))])
    return ImageSource(
        x_train=x[train],
        y_train=y[train],
        x_test=x[test],
        y_test=y[test],
        index_train=train,
        index_test=test,
        class_names=tuple(SHAPES),
        provenance=f"generated: {len(y):,} sprites of {side} x {side} pixels, split with numpy"
        f" default_rng({seed})",
    )
