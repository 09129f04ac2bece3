"""The autoencoder of the label-free study for MNIST, with sizes from the images.

That of Label-Free XAI (arXiv 2203.01928) and of its reproduction, whose sizes are the defaults.
"""

from collections.abc import Sequence

from torch import nn

from explaind.errors import ConfigError

KERNEL, STRIDE = 3, 2
PADDINGS = (1, 1, 0)
"""Of the three convolutions."""


def convolutional_encoder(
    shape: Sequence[int], latent: int, channels: Sequence[int], hidden: int, batch_norm: bool
) -> nn.Module:
    """Build three strided convolutions, each with a ReLU, and two linear layers.

    Args:
        shape: `(channel, row, column)` of an image; 28 x 28 pixels become 3 x 3.
        latent: numbers that represent an image.
        channels: of the three convolutions.
        hidden: units of the first linear layer.
        batch_norm: whether the second convolution has batch norm behind it, as published.

    Returns:
        The encoder; with the published sizes (4, (8, 16, 32), 128) it has 43,428 parameters.
    """
    first, second, third = channels
    layers = [
        nn.Conv2d(shape[0], first, KERNEL, STRIDE, PADDINGS[0]),
        nn.ReLU(),
        nn.Conv2d(first, second, KERNEL, STRIDE, PADDINGS[1]),
        *([nn.BatchNorm2d(second)] if batch_norm else []),
        nn.ReLU(),
        nn.Conv2d(second, third, KERNEL, STRIDE, PADDINGS[2]),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(_flat(shape, third), hidden),
        nn.ReLU(),
        nn.Linear(hidden, latent),
    ]
    return nn.Sequential(*layers)


def convolutional_decoder(
    shape: Sequence[int], latent: int, channels: Sequence[int], hidden: int, batch_norm: bool
) -> nn.Module:
    """Build the mirror image of `convolutional_encoder`, with the same arguments.

    Args:
        shape: `(channel, row, column)` of an image.
        latent: numbers that represent an image.
        channels: of the three convolutions of the encoder.
        hidden: units of the first linear layer.
        batch_norm: whether two of the convolutions have batch norm behind them, as published.

    Returns:
        The decoder; its outputs lie between 0 and 1. With the published sizes it has 43,697
        parameters.
    """
    first, second, third = channels
    sides = [_sides(shape[axis]) for axis in (1, 2)]
    smallest = (third, sides[0][-1], sides[1][-1])
    norms = [[nn.BatchNorm2d(count)] if batch_norm else [] for count in (second, first)]
    return nn.Sequential(
        nn.Linear(latent, hidden),
        nn.ReLU(),
        nn.Linear(hidden, _flat(shape, third)),
        nn.ReLU(),
        nn.Unflatten(1, smallest),
        _widening(third, second, sides, 2),
        *norms[0],
        nn.ReLU(),
        _widening(second, first, sides, 1),
        *norms[1],
        nn.ReLU(),
        _widening(first, shape[0], sides, 0),
        nn.Sigmoid(),
    )


def _sides(side: int) -> list[int]:
    """Return the pixels per side before and after each convolution.

    Raises:
        ConfigError: if none is left.
    """
    sides = [side]
    for padding in PADDINGS:
        sides.append((sides[-1] + 2 * padding - KERNEL) // STRIDE + 1)
    if sides[-1] < 1:
        raise ConfigError(
            f"convolutional: expected images of at least 9 x 9 pixels, got a side of {side}; set"
            " `resize` of the dataset, or use another model."
        )
    return sides


def _flat(shape: Sequence[int], channels: int) -> int:
    return channels * _sides(shape[1])[-1] * _sides(shape[2])[-1]


def _widening(
    channels: int, out: int, sides: Sequence[Sequence[int]], layer: int
) -> nn.ConvTranspose2d:
    """The transposed convolution that undoes the shape of a convolution."""
    padding = PADDINGS[layer]
    missing = [
        pixels[layer] - ((pixels[layer + 1] - 1) * STRIDE - 2 * padding + KERNEL)
        for pixels in sides
    ]
    return nn.ConvTranspose2d(channels, out, KERNEL, STRIDE, padding, (missing[0], missing[1]))
