"""Networks of encoders by the name that the config gives them."""

import torch
from torch import nn

from explaind.config.encoder import (
    Classification,
    Contrastive,
    ConvolutionalEncoder,
    Encoder,
    PooledEncoder,
    RecurrentEncoder,
    ResNetEncoder,
    VariationalEncoder,
)
from explaind.models.encoders.convolutional import convolutional_decoder, convolutional_encoder
from explaind.models.encoders.network import EncoderNetwork
from explaind.models.encoders.pooled import pooled_decoder, pooled_encoder
from explaind.models.encoders.recurrent import RecurrentDecoder
from explaind.models.encoders.recurrent import RecurrentEncoder as RecurrentModule
from explaind.models.simclr import ResNet18, SimCLR
from explaind.models.vae import VAE


def build_network(
    settings: Encoder, classes: int, input_shape: tuple[int, ...], seed: int
) -> EncoderNetwork:
    """Build an encoder and its head with seeded initial parameters.

    A network that cannot take such inputs is refused (`ConfigError`).

    Args:
        settings: the section of the encoder.
        classes: number of classes of the dataset.
        input_shape: shape of one input, `(channel, row, column)` or `(time, channel)`.
        seed: seed of the initial parameters.

    Returns:
        The network, in evaluation mode.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if isinstance(settings.model, VariationalEncoder):
            return VAE(input_shape[0], input_shape[1], settings.model.latent).eval()
        encoder, pretext = _encoder(settings, input_shape), settings.pretext
        if isinstance(pretext, Contrastive):
            sizes = (settings.model.latent, pretext.hidden, pretext.projected)
            return SimCLR(encoder, *sizes).eval()
        if isinstance(pretext, Classification):
            head: nn.Module = nn.Linear(settings.model.latent, classes)
        else:
            head = _decoder(settings, input_shape)
        return EncoderNetwork(encoder, head).eval()


def _encoder(settings: Encoder, shape: tuple[int, ...]) -> nn.Module:
    model = settings.model
    if isinstance(model, RecurrentEncoder):
        return RecurrentModule(shape[1], model.latent)
    if isinstance(model, ResNetEncoder):
        return ResNet18(shape[0], model.width)
    assert isinstance(model, PooledEncoder | ConvolutionalEncoder)  # a VAE has its own encoder
    sizes = (shape, model.latent, model.channels, model.hidden)
    if isinstance(model, PooledEncoder):
        return pooled_encoder(*sizes)
    return convolutional_encoder(*sizes, model.batch_norm)


def _decoder(settings: Encoder, shape: tuple[int, ...]) -> nn.Module:
    model = settings.model
    if isinstance(model, RecurrentEncoder):
        return RecurrentDecoder(shape[0], shape[1], model.latent)
    assert isinstance(model, PooledEncoder | ConvolutionalEncoder)  # no other reconstructs
    sizes = (shape, model.latent, model.channels, model.hidden)
    if isinstance(model, PooledEncoder):
        return pooled_decoder(*sizes)
    return convolutional_decoder(*sizes, model.batch_norm)
