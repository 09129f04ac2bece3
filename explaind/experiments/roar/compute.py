"""Autoencoders trained without the pixels that a method calls most important."""

import dataclasses
import hashlib
from collections.abc import Iterator

import pandas as pd
import torch

from explaind.config.encoder import Reconstruction
from explaind.data.load import LoadedDataset
from explaind.errors import ConfigError
from explaind.experiments.feature_methods import feature_method, importance_of
from explaind.experiments.job import EncoderJob
from explaind.experiments.roar.settings import RoarSettings
from explaind.labelfree.masking import most_important
from explaind.labelfree.units.maps import Importance
from explaind.models.encoders.network import EncoderNetwork
from explaind.training.encoder import train_network

BLOCK = 1024  # test images at once


def compute(job: EncoderJob[RoarSettings]) -> pd.DataFrame:
    """Remove pixels of the training images, train again from the same start, and test.

    What is removed is always what the original encoder of the replicate calls important, and the
    test images are whole.

    Args:
        job: the experiment.

    Returns:
        One row per encoder, replicate, method and fraction, 0 for the original network: `encoder`,
        `replicate`, `method`, `fraction` and `loss`, the mean squared error of a pixel.

    Raises:
        ConfigError: if an encoder is not trained to reconstruct whole images.
    """
    for name in job.settings.encoders:
        kind = job.config.encoders[name].pretext
        if not isinstance(kind, Reconstruction):
            raise ConfigError(
                f"experiments.{job.name}.encoders: expected encoders with the pretext"
                f" reconstruction, got {name!r} with {kind.kind}; name others"
            )
    return pd.DataFrame(_rows(job))


def _rows(job: EncoderJob[RoarSettings]) -> Iterator[dict[str, object]]:
    settings = job.settings
    for name in settings.encoders:
        for replicate in job.replicates:
            original = job.network(name, replicate)
            base = {"encoder": name, "replicate": replicate}
            for method in settings.methods:
                row = {**base, "method": method}
                yield {**row, "fraction": 0.0, "loss": reconstruction_error(original, job.data)}
                chosen = feature_method(method, replicate, steps=settings.steps)
                importance = importance_of(chosen, job.baseline, settings.memory)
                for fraction in settings.fractions:
                    data = without_pixels(job.data, original, importance, fraction)
                    label = f"{name}_{replicate}_{method}_{fraction:g}"
                    network, _ = train_network(
                        job.config.encoders[name].model_copy(update={"history": None}),
                        data,
                        replicate,
                        job.scratch / f"{label}.npz",
                        job.scratch / label,
                        {**job.values, **row, "fraction": fraction, "data": data.sha256},
                    )
                    yield {**row, "fraction": fraction, "loss": reconstruction_error(network, data)}


def without_pixels(
    data: LoadedDataset, network: EncoderNetwork, importance: Importance, fraction: float
) -> LoadedDataset:
    """Make the most important pixels of every training image black, each image by its own map.

    Args:
        data: the dataset.
        network: the network whose encoder is explained.
        importance: a method.
        fraction: fraction of the pixels.

    Returns:
        The dataset; its validation part is as it was.
    """
    images = data.x_train.to(next(network.parameters()).device)
    removed = most_important(importance(network.encoder, images), fraction).to(data.x_train.device)
    masked = torch.where(removed, 0.0, data.x_train)
    checksum = hashlib.sha256(data.sha256.encode() + masked.cpu().numpy().tobytes()).hexdigest()
    return dataclasses.replace(data, x_train=masked, sha256=checksum)


@torch.no_grad()
def reconstruction_error(network: EncoderNetwork, data: LoadedDataset) -> float:
    """Return the mean squared error of a pixel, over the whole test images."""
    device = next(network.parameters()).device
    errors = [
        (network(block.to(device)) - block.to(device)).square().flatten(1).mean(1)
        for block in torch.split(data.x_validation, BLOCK)
    ]
    return float(torch.cat(errors).double().mean())
