"""Losses of variational autoencoders against loops over images and units, float64."""

import math

import pytest
import torch

from explaind.models.vae import VAE, Posterior
from explaind.training.vae_losses import beta_vae_loss, kl_terms, reconstruction_loss, tc_vae_loss

SIZE = 30


def normal(value, mean, log_variance):
    variance = math.exp(log_variance)
    return math.exp(-((value - mean) ** 2) / (2 * variance)) / math.sqrt(2 * math.pi * variance)


def test_terms_equal_the_loop_over_pairs():
    z, mean, log_variance = (torch.randn(4, 2).double() for _ in range(3))
    expected: tuple[list, list, list] = ([], [], [])
    for i in range(4):
        density = [
            [normal(z[i, d], mean[j, d], log_variance[j, d]) for d in range(2)] for j in range(4)
        ]
        joint = sum(math.prod(row) for row in density) / (SIZE * 4)
        marginals = math.prod(sum(row[d] for row in density) / (SIZE * 4) for d in range(2))
        prior = math.prod(normal(z[i, d], 0, 0) for d in range(2))
        expected[0].append(math.log(math.prod(density[i]) / joint))
        expected[1].append(math.log(joint / marginals))
        expected[2].append(math.log(marginals / prior))
    terms = kl_terms(z, Posterior(mean, log_variance), SIZE)
    torch.testing.assert_close(torch.stack(list(terms)), torch.tensor(expected).double())


def test_estimate_is_near_the_truth_where_that_is_known():
    """All posteriors are the prior but for one unit that is drawn twice: the same noise."""
    count = 2000
    first = torch.randn(count, 1).double()
    mean = 0.9 * first.repeat(1, 2)
    variance = 1 - 0.9**2
    posterior = Posterior(mean, torch.full_like(mean, math.log(variance)))
    z = posterior.sample()
    terms = kl_terms(z, posterior, count)
    correlation = 0.9**2
    joint = -0.5 * math.log(1 - correlation**2)  # mutual information of two normal variables
    # both estimates of q are too small by the factor 1 / N: once in the joint, twice in the product
    offset = math.log(count)
    assert terms.total_correlation.mean().item() - offset == pytest.approx(joint, abs=0.06)
    assert terms.dimension_wise.mean().item() + 2 * offset == pytest.approx(0, abs=0.06)


def test_with_beta_one_both_losses_are_estimates_of_the_same():
    model = VAE(1, 8, 2).double().train()
    images = torch.rand(6, 1, 8, 8).double()
    differences = []
    for _ in range(100):
        output = model(images)
        tc = tc_vae_loss(output, images, 1.0, "bernoulli", SIZE)
        differences.append((tc - beta_vae_loss(output, images, 1.0, "bernoulli")).mean().detach())
    difference = torch.stack(differences)
    assert abs(difference.mean()) < 4 * difference.std() / math.sqrt(len(difference))


def test_beta_weighs_its_term():
    model, images = VAE(1, 8, 2), torch.rand(3, 1, 8, 8)
    output = model(images)
    losses = [beta_vae_loss(output, images, beta, "gaussian") for beta in (1.0, 5.0)]
    torch.testing.assert_close(losses[1] - losses[0], 4 * output.posterior.kl().sum(1))
    losses = [tc_vae_loss(output, images, beta, "gaussian", SIZE) for beta in (1.0, 5.0)]
    terms = kl_terms(output.latents, output.posterior, SIZE)
    torch.testing.assert_close(losses[1] - losses[0], 4 * terms.total_correlation)


@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])
def test_reconstruction_is_a_sum_over_pixels(likelihood):
    logits, images = torch.randn(3, 2, 4, 4).double(), torch.rand(3, 2, 4, 4).double()
    p = 1 / (1 + torch.exp(-logits))
    pixel = (
        -(images * p.log() + (1 - images) * (1 - p).log())
        if likelihood == "bernoulli"
        else (p - images) ** 2
    )
    torch.testing.assert_close(
        reconstruction_loss(logits, images, likelihood), pixel.sum((1, 2, 3))
    )
