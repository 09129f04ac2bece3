"""Activation maximisation: units whose best image is known."""

import numpy as np
import torch
from torch import nn

from explaind.labelfree.units.activation_maximisation import (
    DIRECTIONS,
    fourier_image,
    maximise_units,
)
from explaind.models.vae import VAE


def template_encoder():
    """Units that compare the image with a template: left half, upper half."""
    templates = -torch.ones(2, 1, 8, 8)
    templates[0, :, :, :4] = templates[1, :, :4] = 1
    layer = nn.Linear(64, 2)
    layer.weight.data, layer.bias.data = templates.flatten(1), torch.zeros(2)
    return nn.Sequential(nn.Flatten(), layer).eval(), templates


def test_images_are_the_templates_and_their_negatives():
    encoder, templates = template_encoder()
    found = maximise_units(encoder, 2, (1, 8, 8), steps=50)
    for direction, images, reached in zip(DIRECTIONS, found.images, found.reached, strict=True):
        bright = images > 0.5
        assert (bright == (direction * templates > 0)).float().mean() > 0.9
        assert (direction * reached > 28).all()  # of 32


def test_each_image_is_the_same_whichever_others_are_searched():
    encoder, _ = template_encoder()
    both = maximise_units(encoder, 2, (1, 8, 8), steps=20)
    first = maximise_units(encoder, 1, (1, 8, 8), steps=20)
    torch.testing.assert_close(both.images[:, :1], first.images)


def test_the_encoder_keeps_its_weights_and_gets_no_gradients():
    encoder = VAE(3, 8, 2).encoder.eval()
    before = {name: value.clone() for name, value in encoder.state_dict().items()}
    found = maximise_units(encoder, 2, (3, 8, 8), steps=30)
    assert all(torch.equal(value, before[name]) for name, value in encoder.state_dict().items())
    assert all(parameter.grad is None for parameter in encoder.parameters())
    assert (found.reached[0] > found.reached[1]).all()


def test_images_are_the_inverse_transform_of_scaled_coefficients():
    spectrum = torch.randn(1, 1, 6, 4, 2).double()
    rows, columns = np.fft.fftfreq(6), np.fft.rfftfreq(6)
    scale = 6 / np.maximum(np.hypot(rows[:, None], columns), 1 / 6)
    complex_ = (spectrum[..., 0] + 1j * spectrum[..., 1]).numpy() * scale
    image = np.fft.irfft2(complex_, s=(6, 6), norm="ortho") / 4
    np.testing.assert_allclose(fourier_image(spectrum, (6, 6)), 1 / (1 + np.exp(-image)), atol=1e-9)
