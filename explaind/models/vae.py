"""The variational autoencoder of Burgess et al. (2018, arXiv 1804.03599) for small images."""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from explaind.errors import UnsupportedError
from explaind.models.encoders.network import EncoderNetwork

CHANNELS, HIDDEN, FINAL_SIDE = 32, 256, 4


class Posterior(NamedTuple):
    """Normal distributions of the latent units, independent of each other, given the images.

    Attributes:
        mean: their means.
        log_variance: logarithms of their variances.
    """

    mean: Float[Tensor, "batch latent"]
    log_variance: Float[Tensor, "batch latent"]

    def sample(self) -> Float[Tensor, "batch latent"]:
        """Return latent units drawn, differentiably, by the global generator of torch."""
        return self.mean + torch.exp(0.5 * self.log_variance) * torch.randn_like(self.mean)

    def kl(self) -> Float[Tensor, "batch latent"]:
        """Return the KL divergence of each unit from the standard normal distribution, nat."""
        return 0.5 * (self.mean**2 + self.log_variance.exp() - self.log_variance - 1)


class MeanEncoder(nn.Module):
    """Images to latent units: convolutions (4 x 4, every second pixel) to 4 x 4, two linear layers.

    As an encoder it gives the mean of every unit, which is what is explained; training needs the
    `posterior`. The outputs of the last layer are pairs of mean and logarithm of the variance.

    Args:
        channels: channels of an image.
        side: pixels per side: 4 times a power of two, at least 8.
        latents: number of latent units.

    Raises:
        UnsupportedError: if the images have another size.
    """

    def __init__(self, channels: int, side: int, latents: int) -> None:
        super().__init__()
        self.latents = latents
        layers: list[nn.Module] = []
        for number in range(halvings(side)):
            layers += [_down(channels if number == 0 else CHANNELS), nn.ReLU()]
        flat = CHANNELS * FINAL_SIDE**2
        self.convolutions = nn.Sequential(*layers, nn.Flatten())
        self.linear = nn.Sequential(
            nn.Linear(flat, HIDDEN),
            nn.ReLU(),
            nn.Linear(HIDDEN, HIDDEN),
            nn.ReLU(),
            nn.Linear(HIDDEN, 2 * latents),
        )

    def posterior(self, images: Float[Tensor, "batch channel row column"]) -> Posterior:
        """Return the distribution of the latent units given each image."""
        pairs = self.linear(self.convolutions(images)).unflatten(1, (self.latents, 2))
        return Posterior(*pairs.unbind(-1))

    def forward(
        self, images: Float[Tensor, "batch channel row column"]
    ) -> Float[Tensor, "batch latent"]:
        """Return the means of the latent units."""
        return self.posterior(images).mean


class Reconstructed(NamedTuple):
    """What a variational autoencoder makes of images.

    Attributes:
        logits: of the pixels of the reconstructions.
        posterior: distributions of the latent units.
        latents: what the images were reconstructed from.
    """

    logits: Float[Tensor, "batch channel row column"]
    posterior: Posterior
    latents: Float[Tensor, "batch latent"]


class VAE(EncoderNetwork):
    """An encoder of images into latent units, and the decoder that mirrors it.

    With MNIST at 32 x 32 pixels and three latent units the encoder has 232,038 parameters and the
    decoder 231,745.

    Args:
        channels: channels of an image.
        side: pixels per side: 4 times a power of two, at least 8; others are an
            `UnsupportedError`.
        latents: number of latent units.
    """

    encoder: MeanEncoder

    def __init__(self, channels: int, side: int, latents: int) -> None:
        layers: list[nn.Module] = []
        for _ in range(halvings(side) - 1):
            layers += [_up(CHANNELS), nn.ReLU()]
        decoder = nn.Sequential(
            nn.Linear(latents, HIDDEN),
            nn.ReLU(),
            nn.Linear(HIDDEN, HIDDEN),
            nn.ReLU(),
            nn.Linear(HIDDEN, CHANNELS * FINAL_SIDE**2),
            nn.ReLU(),
            nn.Unflatten(1, (CHANNELS, FINAL_SIDE, FINAL_SIDE)),
            *layers,
            _up(channels),
        )
        super().__init__(MeanEncoder(channels, side, latents), decoder)

    def forward(  # type: ignore[override] # its losses need more than an image
        self, images: Float[Tensor, "batch channel row column"]
    ) -> Reconstructed:
        """Return reconstructions from latent units: drawn in training mode, else their means."""
        posterior = self.encoder.posterior(images)
        latents = posterior.sample() if self.training else posterior.mean
        return Reconstructed(self.head(latents), posterior, latents)


def halvings(side: int) -> int:
    """Count the convolutions that bring an image down to 4 x 4.

    Args:
        side: pixels per side.

    Returns:
        Their number.

    Raises:
        UnsupportedError: if that many pixels cannot be halved to four.
    """
    number = math.log2(side / FINAL_SIDE)
    if number < 1 or not number.is_integer():
        raise UnsupportedError(
            f"vae: expected square images of 8, 16, 32, 64, ... pixels per side, got {side}; set"
            " `resize` of the dataset."
        )
    return int(number)


def _down(channels: int) -> nn.Conv2d:
    return nn.Conv2d(channels, CHANNELS, 4, stride=2, padding=1)


def _up(channels: int) -> nn.ConvTranspose2d:
    return nn.ConvTranspose2d(CHANNELS, channels, 4, stride=2, padding=1)
