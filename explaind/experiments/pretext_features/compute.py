"""Label-free importance of the features of the same samples, by encoders of different tasks."""

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from explaind.data.interleaved import interleaved_rows
from explaind.experiments.feature_methods import feature_method
from explaind.experiments.job import EncoderJob
from explaind.experiments.pretext_features.settings import PretextFeaturesSettings
from explaind.experiments.task_correlations import correlation_array, correlations
from explaind.labelfree.feature_importance import feature_importance
from explaind.log import progress

DIMS = {3: ("channel", "row", "column"), 2: ("time", "channel")}


def compute(job: EncoderJob[PretextFeaturesSettings]) -> xr.Dataset:
    """Correlate the absolute importances of all pairs of encoders, for every replicate.

    Args:
        job: what it is computed from.

    Returns:
        `correlation` (`task_correlations.DIMS`; a case is a method), and of replicate 0
        `importance` `[shown, case, task, ...]`, absolute, of the test samples `sample` `[shown]`.
    """
    settings, x = job.settings, job.data.x_validation[: job.settings.samples]
    methods = {
        name: feature_method(name, settings.seed, steps=settings.steps, points=settings.points)
        for name in settings.methods
    }
    shown = interleaved_rows(job.data.y_validation[: len(x)].numpy(), settings.shown)
    found, kept = [], None
    for replicate in progress(job.replicates, "replicates"):
        networks = [job.network(name, replicate).encoder for name in settings.encoders]
        rows = []
        for method in methods.values():
            importance = [
                feature_importance(method, encoder, x, job.baseline, memory=settings.memory).abs()
                for encoder in networks
            ]
            values = torch.stack(importance)
            rows.append(correlations(values.flatten(2).cpu().double().numpy()))
            if replicate == 0:
                part = values[:, shown].cpu()
                kept = [part] if kept is None else [*kept, part]
        found.append(rows)
    assert kept is not None  # there is a replicate
    return xr.Dataset(
        {"correlation": correlation_array(found), "importance": _kept(kept), "sample": _rows(shown)}
    ).assign_coords(case=list(methods), task=job.tasks, other=job.tasks)


def _kept(parts: list[Tensor]) -> xr.DataArray:
    """The importances `[case, task, shown, ...]`, the shown samples first."""
    values = torch.stack(parts).movedim(2, 0).numpy()
    described = {"units": "squared representation", "description": "absolute importance"}
    return xr.DataArray(
        values, dims=("shown", "case", "task", *DIMS[values.ndim - 3]), attrs=described
    )


def _rows(shown: np.ndarray) -> xr.DataArray:
    described = {"units": "1", "description": "row of the test set"}
    return xr.DataArray(shown, dims="shown", attrs=described)
