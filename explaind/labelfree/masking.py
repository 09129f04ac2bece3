"""How far a representation moves when the most important part of the input is hidden."""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from explaind.labelfree.encoding import MEMORY, encode


def channel_axis(x: Float[Tensor, "sample ..."]) -> int | None:
    """Return the axis of the channels: 1 of images, the last one of series, none of rows.

    Args:
        x: images `[sample, channel, row, column]`, series `[sample, step, channel]` or rows of a
            table `[sample, feature]`.

    Returns:
        The axis.

    Raises:
        ValueError: for inputs of another number of dimensions.
    """
    axes = {2: None, 3: 2, 4: 1}
    if x.dim() not in axes:
        raise ValueError(
            "Expected images [sample, channel, row, column], series [sample, step, channel] or rows"
            f" [sample, feature], got shape {tuple(x.shape)}. Reshape them."
        )
    return axes[x.dim()]


def importance_of_positions(
    importance: Float[Tensor, "sample ..."],
) -> Float[Tensor, "sample position"]:
    """Return the importance of pixels or time steps: absolute values, summed over channels."""
    axis = channel_axis(importance)
    summed = importance.abs() if axis is None else importance.abs().sum(axis)
    return summed.flatten(1)


def hidden_count(fraction: float, positions: int) -> int:
    """Return how many positions a fraction is, rounded down (0.29 of 100 are 29)."""
    return math.floor(round(fraction * positions, 9))


def most_important(
    importance: Float[Tensor, "sample ..."], fraction: float
) -> Bool[Tensor, "sample ..."]:
    """Return where the most important positions are; of equal ones, the first come first.

    Args:
        importance: importances of the shape of the inputs.
        fraction: fraction of the positions.

    Returns:
        A mask that the channels share, with a channel axis of length 1 where inputs have one.
    """
    positions = importance_of_positions(importance)
    count = hidden_count(fraction, positions.shape[1])
    order = positions.argsort(dim=1, descending=True, stable=True)
    mask = torch.zeros_like(positions, dtype=torch.bool).scatter_(1, order[:, :count], value=True)
    axis = channel_axis(importance)
    shape = [size for place, size in enumerate(importance.shape) if place != axis]
    return mask.reshape(shape) if axis is None else mask.reshape(shape).unsqueeze(axis)


def representation_shift(
    encoder: nn.Module,
    x: Float[Tensor, "sample ..."],
    importance: Float[Tensor, "sample ..."],
    baseline: Float[Tensor, "..."],
    fractions: Sequence[float],
    *,
    memory: int = MEMORY,
) -> Float[Tensor, "fraction sample"]:
    """Return `||f(x) - f(x masked)||^2` when the most important positions are their baseline.

    Args:
        encoder: the encoder `f`, in evaluation mode.
        x: inputs.
        importance: importances, of the shape of `x`.
        baseline: as in `feature_importance`.
        fractions: fractions of the positions that are hidden.
        memory: bytes that the pass of one batch may hold.

    Returns:
        The shifts, in the unit of the squared representation.
    """
    whole, baseline = encode(encoder, x, memory), baseline.expand_as(x)
    shifts = []
    for fraction in fractions:
        masked = torch.where(most_important(importance, fraction), baseline, x)
        shifts.append((whole - encode(encoder, masked, memory)).square().sum(1))
    return torch.stack(shifts)
