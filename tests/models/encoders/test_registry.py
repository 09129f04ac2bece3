"""Networks of encoders: sizes as published, shapes, seeds, inputs that do not fit."""

import pytest
import torch

from explaind.config.encoder import (
    Classification,
    Contrastive,
    ConvolutionalEncoder,
    Encoder,
    PooledEncoder,
    RecurrentEncoder,
    ResNetEncoder,
)
from explaind.errors import ConfigError
from explaind.models.encoders import recurrent
from explaind.models.encoders.convolutional import convolutional_encoder
from explaind.models.encoders.network import EncoderNetwork
from explaind.models.encoders.pooled import pooled_encoder
from explaind.models.encoders.registry import build_network

PUBLISHED = {  # parameters of encoder and decoder
    (ConvolutionalEncoder(), (1, 28, 28)): (43_428, 43_697),
    (PooledEncoder(), (3, 32, 32)): (619_856, 384_067),
    (RecurrentEncoder(), (140, 1)): (116_736, 132_737),
}


@pytest.mark.parametrize(("case", "sizes"), PUBLISHED.items(), ids=lambda case: str(case)[:20])
def test_published_sizes(case, sizes):
    model, shape = case
    network = build_network(Encoder(model=model), 10, shape, seed=0)
    assert isinstance(network, EncoderNetwork)
    counted = [
        sum(p.numel() for p in part.parameters()) for part in (network.encoder, network.head)
    ]
    assert tuple(counted) == sizes
    x = torch.rand(2, *shape)
    assert network.encoder(x).shape == (2, model.latent)
    assert network(x).shape == x.shape


@pytest.mark.parametrize("shape", [(1, 9, 9), (3, 16, 21), (1, 28, 13)])
def test_the_decoder_undoes_any_shape(shape):
    network = build_network(Encoder(), 10, shape, seed=0)
    assert network(torch.rand(2, *shape)).shape == (2, *shape)


def test_a_classifier_has_an_output_for_each_class():
    network = build_network(Encoder(pretext=Classification()), 7, (1, 16, 16), seed=0)
    assert network(torch.rand(2, 1, 16, 16)).shape == (2, 7)
    assert isinstance(network.head, torch.nn.Linear)


SEEDED = {
    "convolutional": (Encoder(), (1, 16, 16)),
    "simclr": (Encoder(model=ResNetEncoder(width=2), pretext=Contrastive()), (3, 8, 8)),
}


@pytest.mark.parametrize(("settings", "shape"), SEEDED.values(), ids=SEEDED)
def test_parameters_follow_the_seed_and_leave_the_global_one(settings, shape):
    """D16: the published SimCLR began with a network that labels of ImageNet had trained."""
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    first, again, other = (build_network(settings, 2, shape, s) for s in (1, 1, 2))
    assert torch.equal(torch.rand(1), expected)
    for weight, same, another in zip(*map(_drawn, (first, again, other)), strict=True):
        assert torch.equal(weight, same)
        assert not torch.equal(weight, another)
    assert not first.training


def _drawn(network):
    """The weights of convolutions and linear layers."""
    return [tensor for tensor in network.parameters() if tensor.dim() > 1]


def test_inputs_that_are_too_small_or_uneven_are_refused():
    with pytest.raises(ConfigError, match="at least 9 x 9 pixels, got a side of 8"):
        build_network(Encoder(), 2, (1, 8, 8), 0)
    with pytest.raises(ConfigError, match="whose sides 8 divides, got 28 x 28"):
        build_network(Encoder(model=PooledEncoder()), 2, (1, 28, 28), 0)


def test_batch_norm_can_be_left_out():
    settings = Encoder(model=ConvolutionalEncoder(batch_norm=False))
    network = build_network(settings, 2, (1, 16, 16), 0)
    assert not any(isinstance(part, torch.nn.BatchNorm2d) for part in network.modules())


def test_representations_have_the_sizes_asked_for():
    images, series = torch.rand(3, 2, 16, 24), torch.rand(3, 7, 2)
    for batch_norm in (False, True):
        encoder = convolutional_encoder((2, 16, 24), 5, (3, 4, 6), 8, batch_norm)
        assert encoder(images).shape == (3, 5)
    assert pooled_encoder((2, 16, 24), 5, (3, 4, 6), 8)(images).shape == (3, 5)
    codes = recurrent.RecurrentEncoder(2, 5)(series)
    assert codes.shape == (3, 5)
    assert recurrent.RecurrentDecoder(7, 2, 5)(codes).shape == series.shape


def test_a_series_is_represented_by_its_last_hidden_state():
    torch.manual_seed(0)
    encoder, series = recurrent.RecurrentEncoder(2, 5), torch.rand(3, 7, 2)
    longer = torch.cat([series, torch.rand(3, 1, 2)], 1)
    hidden = encoder.second(encoder.first(longer)[0])[0]
    torch.testing.assert_close(encoder(series), hidden[:, 6])
    torch.testing.assert_close(encoder(longer), hidden[:, 7])
