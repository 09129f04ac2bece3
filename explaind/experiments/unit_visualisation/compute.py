"""Images that make each unit of an encoder largest, and smallest."""

import numpy as np
import torch
import xarray as xr

from explaind.errors import ConfigError
from explaind.experiments.job import EncoderJob
from explaind.experiments.unit_visualisation.settings import UnitVisualisationSettings
from explaind.labelfree.encoding import encode
from explaind.labelfree.units.activation_maximisation import DIRECTIONS, maximise_units
from explaind.log import progress

EXTREMES = {1: "largest", -1: "smallest"}
"""What the directions are called."""

QUANTILES = (0.05, 0.95)
"""Of a unit over the test inputs, to compare with what the search reaches."""


def compute(job: EncoderJob[UnitVisualisationSettings]) -> xr.Dataset:
    """Search an image for each unit and direction of each encoder.

    Args:
        job: the experiment.

    Returns:
        The arrays `images` `[encoder, direction, unit, channel, row, column]`, `reached` `[encoder,
        direction, unit]` and `quantile_value` `[encoder, quantile, unit]`; NaN where an encoder has
        no such unit.

    Raises:
        ConfigError: if there is no such replicate, or the inputs are no images.
    """
    settings, shape = job.settings, job.data.input_shape
    if settings.replicate not in job.replicates:
        raise ConfigError(
            f"experiments.{job.name}.replicate: expected one that all encoders have, less than"
            f" {len(job.replicates)}, got {settings.replicate}; lower it"
        )
    if len(shape) != 3:  # channel, row, column
        raise ConfigError(
            f"experiments.{job.name}.encoders: expected encoders of images, got inputs of shape"
            f" {shape}; name others"
        )
    units = max(job.config.encoders[name].model.latent for name in settings.encoders)
    first = (len(settings.encoders), len(DIRECTIONS), units)
    images, reached = np.full((*first, *shape), np.nan, np.float32), np.full(first, np.nan)
    quantiles = np.full((len(settings.encoders), len(QUANTILES), units), np.nan)
    for row, name in enumerate(progress(settings.encoders, "encoders")):
        encoder = job.network(name, settings.replicate).encoder
        count = job.config.encoders[name].model.latent
        found = maximise_units(
            encoder,
            count,
            (shape[0], shape[1], shape[2]),
            steps=settings.steps,
            learning_rate=settings.learning_rate,
            seed=settings.seed,
        )
        images[row, :, :count], reached[row, :, :count] = found.images.cpu(), found.reached.cpu()
        device = next(encoder.parameters()).device
        inputs = job.data.x_validation.to(device)
        values = encode(encoder, inputs, settings.memory).double().cpu()
        quantiles[row, :, :count] = torch.quantile(
            values, torch.tensor(QUANTILES, dtype=values.dtype), dim=0
        )
    return xr.Dataset(
        {
            "images": _array(
                ("encoder", "direction", "unit", "channel", "row", "column"), images, "pixels"
            ),
            "reached": _array(("encoder", "direction", "unit"), reached, "value of the unit"),
            "quantile_value": _array(
                ("encoder", "quantile", "unit"), quantiles, "value of the unit on test inputs"
            ),
        },
        coords={
            "encoder": list(settings.encoders),
            "direction": [EXTREMES[direction] for direction in DIRECTIONS],
        },
    )


def _array(dimensions: tuple[str, ...], values: np.ndarray, text: str) -> xr.DataArray:
    return xr.DataArray(values, dims=dimensions, attrs={"units": "1", "description": text})
