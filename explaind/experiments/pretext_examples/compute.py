"""Which training samples are near to the same test samples, for encoders of different tasks."""

import numpy as np
import xarray as xr
from jaxtyping import Float

from explaind.data.interleaved import interleaved_rows
from explaind.errors import ConfigError
from explaind.experiments.job import EncoderJob
from explaind.experiments.pretext_examples.settings import PretextExamplesSettings
from explaind.experiments.task_correlations import correlation_array, correlations
from explaind.labelfree.agreement import log_distance
from explaind.labelfree.representations import DKNN
from explaind.log import progress

CASES = ("inverse_square_distance", "log_distance")
"""The published score, which a handful of near duplicates decides, and its logarithm."""


def compute(job: EncoderJob[PretextExamplesSettings]) -> xr.Dataset:
    """Correlate the scores of all pairs of encoders, for every replicate.

    Args:
        job: what it is computed from.

    Returns:
        `correlation` (`task_correlations.DIMS`; a case is one of `CASES`), and of replicate 0 the
        rows of the `nearest` training samples `[shown, task, place]` and their `distance`, for the
        test samples `sample` `[shown]`.

    Raises:
        ConfigError: if there are not so many training samples.
    """
    settings, data = job.settings, job.data
    if settings.train_samples > len(data.y_train):
        raise ConfigError(
            f"experiments.{job.name}.train_samples: expected at most {len(data.y_train)}, the"
            f" training samples there are, got {settings.train_samples}; lower it"
        )
    x = data.x_validation[: settings.samples]
    rows = interleaved_rows(data.y_train.numpy(), settings.train_samples)
    shown = interleaved_rows(data.y_validation[: len(x)].numpy(), settings.shown)
    found, first = [], None
    for replicate in progress(job.replicates, "replicates"):
        networks = [job.network(name, replicate).encoder for name in settings.encoders]
        methods = [DKNN(f, data.x_train[rows], settings.memory) for f in networks]
        scores = np.stack([method.scores(x) for method in methods])
        kinds = (_finite(scores), np.stack([log_distance(score) for score in scores]))
        found.append([correlations(values) for values in kinds])
        first = scores if first is None else first
    assert first is not None  # there is a replicate
    order = (-first[:, shown]).argsort(-1, kind="stable")[..., : settings.nearest].swapaxes(0, 1)
    distance = np.take_along_axis(first[:, shown].swapaxes(0, 1), order, -1) ** -0.5
    dims = ("shown", "task", "place")
    return xr.Dataset(
        {
            "correlation": correlation_array(found),
            "nearest": (dims, rows[order], _described("row of the training set")),
            "distance": (dims, distance, {"units": "representation", "description": "distance"}),
            "sample": (("shown",), shown, _described("row of the test set")),
        }
    ).assign_coords(case=list(CASES), task=job.tasks, other=job.tasks)


def _finite(scores: Float[np.ndarray, "task test train"]) -> Float[np.ndarray, "task test train"]:
    """Scores in which that of equal representations is the largest of the others."""
    most = np.where(np.isfinite(scores), scores, 0).max(axis=(1, 2), keepdims=True)
    limited: np.ndarray = np.minimum(scores, most)
    return limited


def _described(description: str) -> dict[str, str]:
    return {"units": "1", "description": description}
