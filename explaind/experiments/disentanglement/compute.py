"""How much the latent units of variational autoencoders attend to the same pixels."""

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from explaind.config.encoder import BetaVae, TcVae
from explaind.errors import ConfigError
from explaind.experiments.disentanglement.settings import DisentanglementSettings
from explaind.experiments.feature_methods import feature_method, importance_of
from explaind.experiments.job import EncoderJob
from explaind.labelfree.units.maps import ACTIVE_NAT, Importance, unit_kl, unit_maps
from explaind.labelfree.units.overlap import Overlap, UnitOverlap
from explaind.log import progress
from explaind.models.vae import VAE

SCOPES = ("all", "active")
"""Units that are compared: all as published, or those that carry anything."""

METRICS = {
    "pearson": ("1", "mean correlation of the maps of two units"),
    "spearman": ("1", "the same of the ranks"),
    "cosine": ("1", "mean cosine of the maps of two units of one image"),
    "entropy": ("nat", "how evenly units share a pixel, mean over pixels"),
    "active_units": ("1", "units with more than an equal share of a pixel, mean over pixels"),
}
"""Unit and meaning of the numbers of `Overlap`."""


def compute(job: EncoderJob[DisentanglementSettings]) -> xr.Dataset:
    """Explain every unit of every model, and compare the maps of the units of each.

    Args:
        job: the experiment.

    Returns:
        The arrays `METRICS` `[model, scope]`; `kl` `[model, unit]`, nat, NaN where a model has no
        such unit, and `active`, whether that is above the attribute `limit`; `maps` `[model, image,
        unit, row, column]` of the `images` `[image, channel, row, column]` that are shown; `beta`
        and `tc` `[model]`. A model is called by its encoder and replicate.
    """
    settings = job.settings
    images = job.data.x_validation[: settings.images]
    method = feature_method(settings.method, 0, steps=settings.steps)
    importance = importance_of(method, job.baseline, settings.memory)
    models = [
        (name, k) for name in settings.encoders for k in range(job.config.encoders[name].replicates)
    ]
    units = max(job.config.encoders[name].model.latent for name in settings.encoders)
    overlaps = np.empty((len(models), len(SCOPES), len(METRICS)))
    kl = np.full((len(models), units), np.nan)
    maps = np.full((len(models), settings.shown, units, *images.shape[2:]), np.nan, np.float32)
    for row, (name, replicate) in enumerate(progress(models, "models")):
        model = _vae(job, name, replicate)
        divergence = unit_kl(model.encoder, images.to(next(model.parameters()).device))
        kl[row, : len(divergence)] = divergence.cpu()
        found, shown = _explained(model, images, divergence > ACTIVE_NAT, importance, settings)
        overlaps[row] = found
        maps[row, : len(shown), : shown.shape[1]] = shown.cpu()
    pretexts = [job.config.encoders[name].pretext for name, _ in models]
    betas = np.array([getattr(pretext, "beta", np.nan) for pretext in pretexts])
    only_tc = np.array([isinstance(pretext, TcVae) for pretext in pretexts])
    dimensions = ("model", "image", "unit", "row", "column")
    return xr.Dataset(
        {
            **{
                metric: _array(("model", "scope"), overlaps[..., number], *METRICS[metric])
                for number, metric in enumerate(METRICS)
            },
            "kl": _array(("model", "unit"), kl, "nat", "divergence of a unit from its prior"),
            "active": _array(
                ("model", "unit"), kl > ACTIVE_NAT, "1", "whether it has not collapsed"
            ),
            "beta": _array(("model",), betas, "1", "weight in the loss"),
            "tc": _array(
                ("model",), only_tc, "1", "whether beta weighs the total correlation alone"
            ),
            "maps": _array(dimensions, maps, "1", "importance of a pixel to a unit, no sign"),
            "images": _array(
                ("image", "channel", "row", "column"),
                images[: settings.shown].numpy(),
                "1",
                "explained images",
            ),
        },
        coords={
            "scope": list(SCOPES),
            "model": [f"{name} {replicate}" for name, replicate in models],
        },
        attrs={"limit": ACTIVE_NAT},
    )


def _vae(job: EncoderJob[DisentanglementSettings], name: str, replicate: int) -> VAE:
    pretext = job.config.encoders[name].pretext
    if not isinstance(pretext, BetaVae | TcVae):
        raise ConfigError(
            f"experiments.{job.name}.encoders: expected encoders of kind vae, got {name!r} with"
            f" the pretext {pretext.kind}; name others"
        )
    model = job.network(name, replicate)
    assert isinstance(model, VAE)  # no other network has these pretexts
    return model


def _explained(
    model: VAE,
    images: Tensor,
    active: Tensor,
    importance: Importance,
    settings: DisentanglementSettings,
) -> tuple[list[Overlap], Tensor]:
    """The metrics of all units and of the active ones, and the maps of the first images."""
    device = active.device
    every, pixels = torch.ones_like(active), len(images) * images[0, 0].numel()
    measured = [(UnitOverlap(int(scope.sum()), pixels), scope) for scope in (every, active)]
    shown = []
    for first in range(0, len(images), settings.block):
        block = images[first : first + settings.block].to(device)
        maps = unit_maps(model.encoder, len(active), block, importance, first)
        shown.append(maps[: settings.shown])
        for overlap, scope in measured:
            overlap.add(maps[:, scope])
    return [overlap.metrics() for overlap, _ in measured], torch.cat(shown)[: settings.shown]


def _array(dimensions: tuple[str, ...], values: np.ndarray, unit: str, text: str) -> xr.DataArray:
    return xr.DataArray(values, dims=dimensions, attrs={"units": unit, "description": text})
