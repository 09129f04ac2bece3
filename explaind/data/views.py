"""Random views of images for contrastive training: what SimCLR learns to see as the same image.

Section 3 and appendix A of Chen et al., 2020 (arXiv 2002.05709), without their blur, which they
leave out for small images. Every image of a batch is changed by numbers of its own.
"""

import math
from collections.abc import Iterator

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from explaind.data.perturbation import Perturbation

Images = Float[Tensor, "image channel row column"]
Numbers = Float[Tensor, " image"]

DRAWN = 11  # uniform numbers for each view of an image
AREA = (0.08, 1.0)  # of the crop, share of the image
LOG_RATIO = math.log(4 / 3)  # largest |log(width / height)| of the crop
JITTERED, GREY = 0.8, 0.2  # shares of the images
LUMA = (0.299, 0.587, 0.114)
YIQ = (LUMA, (0.5959, -0.2746, -0.3213), (0.2115, -0.5227, 0.3112))


def random_view(images: Images, numbers: Float[Tensor, "image drawn"], strength: float) -> Images:
    """Crop, mirror, and jitter the colours of every image.

    Args:
        images: pixels in 0..1, one channel (grey) or three (colour).
        numbers: `DRAWN` uniform numbers from 0 to 1 for each image.
        strength: of the colour jitter; 0.5 for small images.

    Returns:
        The views, of the same size.
    """
    drawn = iter(numbers.unbind(1))
    return _jitter(_crop_and_mirror(images, drawn), drawn, strength)


class TwoViews(Perturbation):
    """Gives two random views of every image, as one tensor `[image, view, channel, row, column]`.

    Args:
        seed: seed of the training.
        strength: of the colour jitter.
    """

    def __init__(self, seed: int, strength: float) -> None:
        super().__init__(seed)
        self._strength = strength

    def _draw(self, generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        del shape  # the numbers are of an image, not of its pixels
        return generator.random((2, DRAWN), dtype=np.float32)

    def _apply(self, x: Images, drawn: Tensor) -> Float[Tensor, "image 2 channel row column"]:
        views = [random_view(x, numbers, self._strength) for numbers in drawn.unbind(1)]
        return torch.stack(views, dim=1)


def _crop_and_mirror(images: Images, drawn: Iterator[Numbers]) -> Images:
    """Resize a random rectangle of every image to the whole, and mirror one image in two."""
    area, ratio = _between(drawn, *AREA), _between(drawn, -LOG_RATIO, LOG_RATIO).exp()
    width, height = (area * ratio).sqrt().clamp(max=1), (area / ratio).sqrt().clamp(max=1)
    x = (1 - width) * _between(drawn, -1.0, 1.0)
    y = (1 - height) * _between(drawn, -1.0, 1.0)
    sign = _between(drawn, -1.0, 1.0).sign()
    zero = torch.zeros_like(x)
    rows = (torch.stack([sign * width, zero, x], 1), torch.stack([zero, height, y], 1))
    grid = functional.affine_grid(torch.stack(rows, 1), list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, padding_mode="border", align_corners=False)


def _jitter(images: Images, drawn: Iterator[Numbers], strength: float) -> Images:
    """Change brightness and contrast; of colours also saturation and hue, or take them away."""
    low, high = 1 - 0.8 * strength, 1 + 0.8 * strength
    brightness, contrast, saturation = (
        _between(drawn, low, high)[:, None, None, None] for _ in range(3)
    )
    hue = _between(drawn, -0.2 * strength, 0.2 * strength)
    applied, grey = ((next(drawn) < share)[:, None, None, None] for share in (JITTERED, GREY))
    changed = (images * brightness).clamp(0, 1)
    mean = _luma(changed).mean((1, 2, 3), keepdim=True)
    changed = (mean + contrast * (changed - mean)).clamp(0, 1)
    if images.shape[1] == len(LUMA):
        luma = _luma(changed)
        changed = (luma + saturation * (changed - luma)).clamp(0, 1)
        changed = _turn_hue(changed, hue)
    jittered = torch.where(applied, changed, images)
    return torch.where(grey, _luma(jittered).expand_as(images), jittered)


def _turn_hue(images: Images, turns: Numbers) -> Images:
    """Rotate the colours about the grey axis, in YIQ."""
    basis = images.new_tensor(YIQ)
    angle = 2 * math.pi * turns
    zero, one = torch.zeros_like(angle), torch.ones_like(angle)
    rows = (
        torch.stack([one, zero, zero], 1),
        torch.stack([zero, angle.cos(), -angle.sin()], 1),
        torch.stack([zero, angle.sin(), angle.cos()], 1),
    )
    matrix = torch.linalg.inv(basis) @ torch.stack(rows, 1) @ basis
    return torch.einsum("idc,ichw->idhw", matrix, images).clamp(0, 1)


def _luma(images: Images) -> Float[Tensor, "image 1 row column"]:
    if images.shape[1] == 1:
        return images
    return torch.einsum("c,ichw->ihw", images.new_tensor(LUMA), images)[:, None]


def _between(drawn: Iterator[Numbers], low: float, high: float) -> Numbers:
    """Stretch the next numbers from 0..1."""
    return low + (high - low) * next(drawn)
