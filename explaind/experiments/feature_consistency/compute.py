"""How far representations move when the most important features are hidden."""

import pandas as pd
from torch import Tensor

from explaind.errors import ConfigError
from explaind.experiments.feature_consistency.settings import FeatureConsistencySettings
from explaind.experiments.feature_methods import feature_method
from explaind.experiments.job import EncoderJob
from explaind.labelfree.blur import SIZE, gaussian_blur
from explaind.labelfree.feature_importance import feature_importance
from explaind.labelfree.masking import channel_axis, representation_shift
from explaind.log import progress


def compute(job: EncoderJob[FeatureConsistencySettings]) -> pd.DataFrame:
    """Hide the most important features by every method, for every replicate of every encoder.

    Args:
        job: what it is computed from.

    Returns:
        `encoder`, `replicate`, `method`, `fraction` that is hidden, `shift`: the mean over the test
        samples of `||f(x) - f(x masked)||^2`, and `normalised`: divided by that with everything
        hidden.
    """
    settings, x = job.settings, job.data.x_validation[: job.settings.samples]
    fractions = tuple(dict.fromkeys((*settings.fractions, 1.0)))
    methods = {
        name: feature_method(
            name,
            settings.seed,
            steps=settings.steps,
            points=settings.points,
            window=_window(settings.window, x),
        )
        for name in settings.methods
    }
    tables, hidden = [], _baseline(job, x)
    cases = [(name, replicate) for name in settings.encoders for replicate in job.replicates]
    for name, replicate in progress(cases, "encoders"):
        encoder = job.network(name, replicate).encoder
        device = next(encoder.parameters()).device
        inputs, baseline = x.to(device), hidden.to(device)
        for label, method in methods.items():
            importance = feature_importance(
                method, encoder, inputs, baseline, memory=settings.memory
            )
            shift = representation_shift(
                encoder, inputs, importance, baseline, fractions, memory=settings.memory
            )
            means = shift.double().mean(1).cpu().numpy()
            case = {"encoder": name, "replicate": replicate, "method": label}
            table = {"fraction": fractions, "shift": means, "normalised": means / means[-1]}
            tables.append(pd.DataFrame(case | table))
    return pd.concat(tables, ignore_index=True)


def _baseline(job: EncoderJob[FeatureConsistencySettings], x: Tensor) -> Tensor:
    """Return what hides features: one for all samples, or one for each.

    Raises:
        ConfigError: if what should be blurred are no images, or small ones.
    """
    if job.settings.baseline == "constant":
        return job.baseline
    if x.dim() != 4 or min(x.shape[2:]) <= SIZE // 2:  # images [sample, channel, row, column]
        raise ConfigError(
            f"experiments.{job.name}.baseline: expected images of more than {SIZE // 2} pixels per"
            f" side to blur, got inputs of shape {tuple(x.shape[1:])}; set it to constant"
        )
    return gaussian_blur(x)


def _window(side: int, x: Tensor) -> tuple[int, ...]:
    """Windows over pixels or time steps have all channels."""
    channels = channel_axis(x)
    return tuple(
        size if axis == channels else min(side, size)
        for axis, size in enumerate(x.shape)
        if axis > 0
    )
