"""Units of an encoder: planted ones with known importance, and one that is known to be dead."""

import pytest
import torch
from torch import nn

from explaind.labelfree.units.maps import ACTIVE_NAT, Unit, unit_kl, unit_maps
from explaind.models.vae import VAE


def gradient_times_input(encoder, inputs, numbers=None):
    """Label-free importance in closed form for linear encoders."""
    x = inputs.clone().requires_grad_()
    value = encoder(x)
    (gradient,) = torch.autograd.grad((value.detach() * value).sum(), x)
    return gradient * inputs


def linear_encoder(weights):
    layer = nn.Linear(weights[0].numel(), len(weights), bias=False)
    layer.weight.data = weights.flatten(1)
    return nn.Sequential(nn.Flatten(), layer).eval()


def test_maps_of_a_linear_encoder_are_known():
    weights, images = torch.randn(2, 1, 3, 3), torch.rand(4, 1, 3, 3)
    maps = unit_maps(linear_encoder(weights), 2, images, gradient_times_input)
    for image, own in zip(images, maps, strict=True):
        for weight, found in zip(weights, own, strict=True):
            expected = ((weight * image).sum() * weight * image).abs()[0]
            torch.testing.assert_close(found, expected)


def test_opposite_colours_do_not_cancel():
    weights = torch.stack([torch.ones(3, 3), -torch.ones(3, 3)])[None]
    maps = unit_maps(linear_encoder(weights), 1, torch.rand(2, 2, 3, 3), gradient_times_input)
    assert (maps > 0).all()


def test_a_map_does_not_change_with_other_images():
    encoder, images = linear_encoder(torch.randn(2, 1, 3, 3)), torch.rand(4, 1, 3, 3)
    together = unit_maps(encoder, 2, images, gradient_times_input)
    alone = unit_maps(encoder, 2, images[2:3], gradient_times_input)
    torch.testing.assert_close(together[2:3], alone)


@pytest.fixture
def vae():
    """A VAE whose second unit is the prior whatever the image, and whose others are not."""
    model = VAE(1, 8, 3).eval()
    last = model.encoder.linear[-1]
    with torch.no_grad():
        last.weight.mul_(30)
        last.weight[2:4], last.bias[2:4] = 0, 0
    return model


def test_the_dead_unit_is_found_and_has_an_empty_map(vae):
    images = torch.rand(20, 1, 8, 8)
    kl = unit_kl(vae.encoder, images, block=7)
    assert (kl > ACTIVE_NAT).tolist() == [True, False, True]
    torch.testing.assert_close(kl, vae.encoder.posterior(images).kl().double().mean(0))
    maps = unit_maps(vae.encoder, 3, images, gradient_times_input)
    assert maps[:, 1].count_nonzero() == 0
    assert (maps[:, [0, 2]].flatten(2).amax(2) > 0).all()


def test_a_unit_is_an_encoder():
    encoder, images = linear_encoder(torch.randn(3, 1, 2, 2)), torch.rand(5, 1, 2, 2)
    assert torch.equal(Unit(encoder, 2)(images), encoder(images)[:, 2:])
