"""The autoencoder of the label-free study for CIFAR, with sizes from the images.

That of Label-Free XAI (arXiv 2203.01928) and its reproduction. Layer norm works on each image
by itself, so the training of this network can be recorded.
"""

from collections.abc import Sequence
from itertools import pairwise

from torch import nn

from explaind.errors import ConfigError

HALVINGS = 3


def pooled_encoder(
    shape: Sequence[int], latent: int, channels: Sequence[int], hidden: int
) -> nn.Module:
    """Build four convolutions, three of them with layer norm and pooling, and two linear layers.

    Args:
        shape: `(channel, row, column)` of an image.
        latent: numbers that represent an image.
        channels: of the convolutions before each pooling.
        hidden: units of the first linear layer.

    Returns:
        The encoder; with the published sizes (16, (32, 64, 128), 128) for 32 x 32 colours it has
        619,856 parameters.
    """
    sides = _sides(shape)
    layers: list[nn.Module] = []
    for (before, after), (rows, columns) in zip(
        pairwise((shape[0], *channels)), sides[:-1], strict=True
    ):
        layers += [
            nn.Conv2d(before, after, 3, padding=1),
            nn.LayerNorm((after, rows, columns)),
            nn.ReLU(),
            nn.MaxPool2d(2),
        ]
    last, flat = channels[-1], channels[-1] * sides[-1][0] * sides[-1][1]
    return nn.Sequential(
        *layers,
        nn.Conv2d(last, last, 3, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(flat, hidden),
        nn.ReLU(),
        nn.Linear(hidden, latent),
    )


def pooled_decoder(
    shape: Sequence[int], latent: int, channels: Sequence[int], hidden: int
) -> nn.Module:
    """Build the decoder beside `pooled_encoder`, with the same arguments.

    Args:
        shape: `(channel, row, column)` of an image.
        latent: numbers that represent an image.
        channels: of the convolutions of the encoder.
        hidden: units of the first linear layer.

    Returns:
        The decoder; its outputs lie between 0 and 1. With the published sizes it has 384,067
        parameters.
    """
    sides = _sides(shape)[::-1]
    smallest = (channels[-1], *sides[0])
    layers: list[nn.Module] = []
    for (before, after), (rows, columns) in zip(
        pairwise((*channels[::-1], shape[0])), sides[1:], strict=True
    ):
        layers += [
            nn.ConvTranspose2d(before, after, 3, 2, 1, 1),
            nn.LayerNorm((after, rows, columns)),
            nn.ReLU(),
        ]
    return nn.Sequential(
        nn.Linear(latent, hidden),
        nn.ReLU(),
        nn.Linear(hidden, smallest[0] * smallest[1] * smallest[2]),
        nn.ReLU(),
        nn.Unflatten(1, smallest),
        *layers[:-2],  # the image itself is neither normalised nor rectified
        nn.Sigmoid(),
    )


def _sides(shape: Sequence[int]) -> list[tuple[int, int]]:
    """Return rows and columns before and after each pooling.

    Raises:
        ConfigError: if they do not come out even.
    """
    rows, columns = shape[1:]
    if rows % 2**HALVINGS or columns % 2**HALVINGS:
        raise ConfigError(
            f"pooled: expected images whose sides {2**HALVINGS} divides, got {rows} x {columns}"
            " pixels; set `resize` of the dataset, or use another model."
        )
    return [(rows // 2**count, columns // 2**count) for count in range(HALVINGS + 1)]
