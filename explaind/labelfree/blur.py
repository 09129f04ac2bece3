"""Images without their detail, to compare with."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

SIZE, SIGMA = 21, 5.0
"""Pixels per side of the kernel, and its standard deviation, as published for SimCLR."""


def gaussian_blur(
    images: Float[Tensor, "image channel row column"], size: int = SIZE, sigma: float = SIGMA
) -> Float[Tensor, "image channel row column"]:
    """Blur every image by a Gaussian; beyond its edge it is mirrored.

    Args:
        images: the images, more than `size // 2` pixels per side.
        size: pixels per side of the kernel, odd.
        sigma: standard deviation of the Gaussian, pixels.

    Returns:
        The blurred images.
    """
    places = torch.arange(size, dtype=images.dtype, device=images.device) - size // 2
    weights = torch.exp(-0.5 * (places / sigma) ** 2)
    weights /= weights.sum()
    channels, half = images.shape[1], size // 2
    padded = functional.pad(images, (half,) * 4, mode="reflect")
    for kernel in (weights[:, None], weights[None]):
        repeated = kernel.expand(channels, 1, *kernel.shape)
        padded = functional.conv2d(padded, repeated, groups=channels)
    return padded
