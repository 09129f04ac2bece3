"""Losses of variational autoencoders: beta-VAE, and TC-VAE by minibatch-weighted sampling.

Both are sums over pixels and latent units, in nat:

    beta: reconstruction + beta KL(q(z|x) || p(z))              (Higgins et al., 2017)
    TC:   reconstruction + MI + beta TC + dimension-wise KL     (Chen et al., 2018, 1802.04942)

With `beta = 1` the second is a Monte-Carlo estimate of the first.
"""

import math
from typing import Literal, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from explaind.models.vae import Posterior, Reconstructed

Likelihood = Literal["bernoulli", "gaussian"]
Images = Float[Tensor, "batch channel row column"]


class KLTerms(NamedTuple):
    """The KL divergence of the posterior from the prior in three terms, nat, of every image.

    Attributes:
        mutual_information: of image and latent units.
        total_correlation: how far the latent units are from independent.
        dimension_wise: of each latent unit over all images, from the prior; summed over the units.
    """

    mutual_information: Float[Tensor, " batch"]
    total_correlation: Float[Tensor, " batch"]
    dimension_wise: Float[Tensor, " batch"]


def reconstruction_loss(
    logits: Images, images: Images, likelihood: Likelihood
) -> Float[Tensor, " batch"]:
    """Loss of a reconstruction, sum over its pixels.

    Args:
        logits: of the pixels, from the decoder.
        images: pixels in 0..1.
        likelihood: `bernoulli`: cross-entropy, nat; `gaussian`: squared error.

    Returns:
        The loss of every image.
    """
    if likelihood == "bernoulli":
        losses = functional.binary_cross_entropy_with_logits(logits, images, reduction="none")
    else:
        losses = functional.mse_loss(logits.sigmoid(), images, reduction="none")
    return losses.flatten(1).sum(1)


def beta_vae_loss(
    output: Reconstructed, images: Images, beta: float, likelihood: Likelihood
) -> Float[Tensor, " batch"]:
    """Reconstruction and `beta` times the KL divergence from the prior.

    Args:
        output: what the autoencoder made of the images.
        images: pixels in 0..1.
        beta: weight of the divergence.
        likelihood: loss of the reconstruction.

    Returns:
        The loss of every image.
    """
    reconstruction = reconstruction_loss(output.logits, images, likelihood)
    return reconstruction + beta * output.posterior.kl().sum(1)


def tc_vae_loss(
    output: Reconstructed, images: Images, beta: float, likelihood: Likelihood, dataset_size: int
) -> Float[Tensor, " batch"]:
    """Reconstruction, and the terms of the KL divergence, that of total correlation times `beta`.

    Args:
        output: what the autoencoder made of the images of a batch.
        images: pixels in 0..1.
        beta: weight of the total correlation.
        likelihood: loss of the reconstruction.
        dataset_size: number of training images.

    Returns:
        The loss of every image, estimated from the batch.
    """
    reconstruction = reconstruction_loss(output.logits, images, likelihood)
    terms = kl_terms(output.latents, output.posterior, dataset_size)
    return (
        reconstruction
        + terms.mutual_information
        + beta * terms.total_correlation
        + terms.dimension_wise
    )


def kl_terms(
    latents: Float[Tensor, "batch latent"], posterior: Posterior, dataset_size: int
) -> KLTerms:
    """Estimate the three terms from a batch, by minibatch-weighted sampling.

    `q(z_i)` is estimated by `sum_j q(z_i | x_j) / (N M)` over the M images of the batch, N of the
    dataset, in all latent units together and in each alone. Their sum is
    `log q(z|x) - log p(z)` whatever the estimates are.

    Args:
        latents: drawn from the posterior of each image.
        posterior: the posteriors.
        dataset_size: number of training images N.

    Returns:
        The terms.
    """
    log_pairs = _log_normal(latents[:, None], *(values[None] for values in posterior))
    log_weight = math.log(dataset_size * len(latents))
    log_joint = log_pairs.sum(-1).logsumexp(1) - log_weight
    log_marginals = (log_pairs.logsumexp(1) - log_weight).sum(-1)
    log_given_image = _log_normal(latents, *posterior).sum(-1)
    log_prior = _log_normal(latents, *torch.zeros_like(latents).expand(2, -1, -1)).sum(-1)
    return KLTerms(
        log_given_image - log_joint, log_joint - log_marginals, log_marginals - log_prior
    )


def _log_normal(
    value: Float[Tensor, "..."], mean: Float[Tensor, "..."], log_variance: Float[Tensor, "..."]
) -> Float[Tensor, "..."]:
    """Return the logarithms of normal densities; shapes are broadcast."""
    squares = (value - mean) ** 2 * torch.exp(-log_variance)
    return -0.5 * (squares + log_variance + math.log(2 * math.pi))
