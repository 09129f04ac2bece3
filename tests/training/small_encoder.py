"""An encoder that is trained in a blink."""

import torch

from explaind.config.encoder import ConvolutionalEncoder, Denoising, Encoder
from explaind.data.load import LoadedDataset


def dataset(samples=24):
    """Random images in two classes."""
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(samples + 8, 1, 9, 9, generator=generator)
    y = torch.arange(samples + 8) % 2
    return LoadedDataset(x[:samples], y[:samples], x[samples:], y[samples:], 2, "sha")


def small(**changes):
    """Settings of a denoising encoder."""
    settings = {
        "model": ConvolutionalEncoder(latent=2, channels=(2, 2, 3), hidden=6),
        "pretext": Denoising(),
        "batch_size": 8,
        "epochs": 4,
        "validation": 0.25,
        "device": "cpu",
    }
    return Encoder(**settings | changes)


def recorded(**changes):
    """Settings of one whose path is recorded."""
    model = ConvolutionalEncoder(latent=2, channels=(2, 2, 3), hidden=6, batch_norm=False)
    return small(model=model, patience=None, history=1, **changes)
