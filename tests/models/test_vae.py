"""The VAE: sizes of the published ones, and what its posterior is."""

import pytest
import torch

from explaind.errors import UnsupportedError
from explaind.models.vae import VAE, Posterior


@pytest.mark.parametrize(
    ("channels", "side", "latents", "encoder", "decoder"),
    [(1, 32, 3, 232_038, 231_745), (1, 64, 6, 249_996, 248_929), (3, 32, 16, 239_744, 236_099)],
)
def test_parameter_counts_of_the_published_models(channels, side, latents, encoder, decoder):
    model = VAE(channels, side, latents)
    counts = [sum(p.numel() for p in part.parameters()) for part in (model.encoder, model.head)]
    assert counts == [encoder, decoder]
    images = torch.rand(2, channels, side, side)
    assert model(images).logits.shape == images.shape
    assert model.encoder(images).shape == (2, latents)


def test_latents_are_drawn_in_training_and_means_after_it():
    model, images = VAE(1, 8, 3).train(), torch.rand(2, 1, 8, 8)
    assert not torch.equal(model(images).latents, model(images).latents)
    output = model.eval()(images)
    assert torch.equal(output.latents, output.posterior.mean)


def test_the_encoder_gives_the_means_of_the_posterior():
    encoder = VAE(1, 8, 3).encoder
    images = torch.rand(4, 1, 8, 8)
    assert torch.equal(encoder(images), encoder.posterior(images).mean)


@pytest.mark.parametrize("side", [4, 12, 28])
def test_other_sizes_are_refused(side):
    with pytest.raises(UnsupportedError, match=f"got {side}"):
        VAE(1, side, 2)


def test_kl_is_that_of_torch():
    posterior = Posterior(torch.randn(5, 3), torch.randn(5, 3))
    own = torch.distributions.Normal(posterior.mean, (0.5 * posterior.log_variance).exp())
    expected = torch.distributions.kl_divergence(own, torch.distributions.Normal(0.0, 1.0))
    torch.testing.assert_close(posterior.kl(), expected)


def test_samples_have_mean_and_variance_of_the_posterior():
    posterior = Posterior(torch.full((20_000, 1), 2.0), torch.full((20_000, 1), -1.0))
    drawn = posterior.sample()
    assert drawn.mean().item() == pytest.approx(2, abs=0.02)
    assert drawn.var().item() == pytest.approx(torch.tensor(-1.0).exp().item(), rel=0.05)
