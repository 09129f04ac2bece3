"""Images that a unit of an encoder responds to most, and least.

Olah et al., "Feature visualization" (Distill, 2017). An image is searched in the Fourier basis: its
coefficients are divided by their frequency, so that what is coarse is found first and the result
is no high-frequency noise. It is the explained network itself that is maximised, of any data set.
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

DIRECTIONS = (1, -1)
"""Signs that a unit is multiplied by: 1 = its largest value is searched, -1 = its smallest."""

INITIAL_STD = 0.01
CONTRAST = 4.0  # what images are divided by before the sigmoid, as in the Lucid library


class Maximised(NamedTuple):
    """What is found of each unit in both directions.

    Attributes:
        images: pixels in 0..1.
        reached: value of the unit.
    """

    images: Float[Tensor, "direction unit channel row column"]
    reached: Float[Tensor, "direction unit"]


def maximise_units(
    encoder: nn.Module,
    units: int,
    shape: tuple[int, int, int],
    *,
    steps: int = 1000,
    learning_rate: float = 0.05,
    seed: int = 0,
) -> Maximised:
    """Search an image for each unit and direction, by Adam from noise.

    The images do not see each other: each is the same whichever other units are searched for.

    Args:
        encoder: an encoder in evaluation mode, with outputs `[image, unit]` that do not depend on
            the other images of a batch.
        units: number of its units.
        shape: channel, row and column of an image.
        steps: updates.
        learning_rate: of Adam.
        seed: of the noise.

    Returns:
        The images, on the device of the encoder.
    """
    device = next(encoder.parameters()).device
    signs = torch.tensor(DIRECTIONS, device=device)[:, None]
    start = torch.randn(
        *(1, shape[0], shape[1], shape[2] // 2 + 1, 2),
        generator=torch.Generator().manual_seed(seed),
    )
    repeats = (len(DIRECTIONS) * units, *(1,) * (start.ndim - 1))
    spectrum = (INITIAL_STD * start).repeat(repeats).to(device).requires_grad_()
    optimizer = torch.optim.Adam([spectrum], lr=learning_rate)
    own = torch.arange(units, device=device).repeat(len(DIRECTIONS))[:, None]
    for _ in range(steps):
        values = encoder(fourier_image(spectrum, shape[1:])).gather(1, own)
        (spectrum.grad,) = torch.autograd.grad(-(signs * values.view(-1, units)).sum(), spectrum)
        optimizer.step()
    with torch.no_grad():
        images = fourier_image(spectrum, shape[1:])
        reached = encoder(images).gather(1, own).view(-1, units)
    return Maximised(images.view(len(DIRECTIONS), units, *shape), reached)


def fourier_image(
    spectrum: Float[Tensor, "image channel row half 2"], sides: tuple[int, int]
) -> Float[Tensor, "image channel row column"]:
    """Make images of their Fourier coefficients, each divided by its frequency.

    Args:
        spectrum: real and imaginary parts of what `torch.fft.irfft2` takes.
        sides: rows and columns.

    Returns:
        Images with pixels in 0..1.
    """
    like = {"dtype": spectrum.dtype, "device": spectrum.device}
    rows = torch.fft.fftfreq(sides[0], **like)[:, None]
    columns = torch.fft.rfftfreq(sides[1], **like)
    frequency = torch.hypot(rows, columns).clamp(min=1 / max(sides))
    scaled = torch.view_as_complex(spectrum) * (math.prod(sides) ** 0.5 / frequency)
    return torch.sigmoid(torch.fft.irfft2(scaled, s=sides, norm="ortho") / CONTRAST)
