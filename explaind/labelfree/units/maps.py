"""Single units of an encoder: their importance maps, and whether they carry anything."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from explaind.models.vae import MeanEncoder

Inputs = Float[Tensor, "sample ..."]

Importance = Callable[..., Inputs]
"""`(encoder, inputs, numbers=None) -> label-free importance` of each feature of each input; numbers
as in `feature_importance`."""

ACTIVE_NAT = 0.05
"""Least KL divergence, averaged over the images, of a unit that is active."""


class Unit(nn.Module):
    """One output of a module, as an encoder with a single unit.

    Args:
        module: a module with outputs `[sample, unit]`.
        unit: number of the output.
    """

    def __init__(self, module: nn.Module, unit: int) -> None:
        super().__init__()
        self.module, self.unit = module, unit

    def forward(self, inputs: Inputs) -> Float[Tensor, "sample 1"]:
        """Return the output."""
        outputs: Tensor = self.module(inputs)
        return outputs[:, self.unit, None]


def unit_maps(
    encoder: nn.Module,
    units: int,
    images: Float[Tensor, "image c h w"],
    importance: Importance,
    first: int = 0,
) -> Float[Tensor, "image unit h w"]:
    """Say how important each pixel is to each unit, without sign.

    The label-free importance of an encoder is that of `sum_d f_d(x) f_d(z)`, so that of unit d
    alone is the attribution to `f_d`, times `f_d(x)`. Colour channels are averaged after the sign
    is gone, so that they cannot cancel.

    Args:
        encoder: an encoder with outputs `[image, unit]`, in evaluation mode.
        units: number of its units.
        images: what is explained.
        importance: a method.
        first: number of the first image, if these are a piece of more.

    Returns:
        The maps.
    """
    numbers = range(first, first + len(images))
    maps = [importance(Unit(encoder, unit), images, numbers).abs() for unit in range(units)]
    return torch.stack([of_unit.mean(1) for of_unit in maps], dim=1)


def unit_kl(
    encoder: MeanEncoder, images: Float[Tensor, "image c h w"], block: int = 1024
) -> Float[Tensor, " unit"]:
    """Measure how much each unit tells of the image: KL divergence from the prior, nat.

    A unit below `ACTIVE_NAT` has collapsed: it is the same whatever the image.

    Args:
        encoder: encoder of a variational autoencoder.
        images: the images, over which it is averaged.
        block: images at once.

    Returns:
        The divergence of each unit, float64.
    """
    with torch.no_grad():
        divergences = [encoder.posterior(part).kl().double() for part in torch.split(images, block)]
    return torch.cat(divergences).mean(0)
