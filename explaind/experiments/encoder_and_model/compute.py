"""Importance maps of an encoder beside those of the classifier that it is part of."""

from collections.abc import Callable, Iterator

import pandas as pd
from torch import Tensor, nn

from explaind.config.encoder import Classification
from explaind.errors import ConfigError
from explaind.experiments.encoder_and_model.settings import EncoderAndModelSettings
from explaind.experiments.feature_methods import feature_method, importance_of
from explaind.experiments.job import EncoderJob
from explaind.labelfree.units.map_agreement import image_correlations, predicted_class_importance
from explaind.labelfree.units.maps import Importance
from explaind.models.encoders.network import EncoderNetwork

LOGITS, SOFTMAX, PREDICTED = "logits", "softmax", "predicted class"
"""What of the classifier is explained: without labels the vector of logits, or of probabilities;
with labels the logit of the class that it predicts."""

FULL_MODEL: dict[str, Callable[[EncoderNetwork, Tensor, Importance], Tensor]] = {
    LOGITS: lambda network, x, importance: importance(network, x),
    SOFTMAX: lambda network, x, importance: importance(
        nn.Sequential(network, nn.Softmax(dim=1)), x
    ),
    PREDICTED: predicted_class_importance,
}


def compute(job: EncoderJob[EncoderAndModelSettings]) -> pd.DataFrame:
    """Correlate the maps of encoder and full model, image by image.

    Args:
        job: the experiment.

    Returns:
        One row per replicate, method and output of the full model: `encoder`, `replicate`,
        `method`, `output`, `correlation`, the mean over the images, and `images`, how many of them
        have maps that are not constant.

    Raises:
        ConfigError: if an encoder is not trained to classify.
    """
    for name in job.settings.encoders:
        kind = job.config.encoders[name].pretext
        if not isinstance(kind, Classification):
            raise ConfigError(
                f"experiments.{job.name}.encoders: expected encoders with the pretext"
                f" classification, got {name!r} with {kind.kind}; name others"
            )
    return pd.DataFrame(_rows(job))


def _rows(job: EncoderJob[EncoderAndModelSettings]) -> Iterator[dict[str, object]]:
    settings = job.settings
    for name in settings.encoders:
        for replicate in job.replicates:
            network = job.network(name, replicate)
            device = next(network.parameters()).device
            images = job.data.x_validation[: settings.images].to(device)
            for method in settings.methods:
                chosen = feature_method(method, replicate, steps=settings.steps)
                importance = importance_of(chosen, job.baseline, settings.memory)
                of_encoder = importance(network.encoder, images).abs()
                for output, explain in FULL_MODEL.items():
                    of_model = explain(network, images, importance).abs()
                    found = image_correlations(of_encoder, of_model, images != 0)
                    yield {
                        "encoder": name,
                        "replicate": replicate,
                        "method": method,
                        "output": output,
                        "correlation": float(found.nanmean()),
                        "images": int((~found.isnan()).sum()),
                    }
