"""Accuracy of a linear classifier on representations that stay as they are."""

import warnings
from collections.abc import Iterator

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from explaind.errors import ConfigError
from explaind.experiments.job import EncoderJob
from explaind.experiments.linear_probe.settings import LinearProbeSettings
from explaind.experiments.linear_probe.tables import INPUTS, TRAINED, UNTRAINED
from explaind.labelfree.encoding import encode
from explaind.log import progress
from explaind.models.encoders.network import EncoderNetwork
from explaind.models.encoders.registry import build_network
from explaind.training.encoder import replicate_seed


def compute(job: EncoderJob[LinearProbeSettings]) -> pd.DataFrame:
    """Train a linear classifier on the training part, and test it on the test part.

    Args:
        job: the experiment.

    Returns:
        One row per encoder, replicate and what the classifier sees: `encoder`, `replicate`, `seen`,
        `accuracy` on the test part, `train_accuracy`, and `majority`, the accuracy on the test part
        of always answering the class that most training samples have.
    """
    return pd.DataFrame(_rows(job))


def _rows(job: EncoderJob[LinearProbeSettings]) -> Iterator[dict[str, object]]:
    data, settings = job.data, job.settings
    labels = data.y_train.numpy(), data.y_validation.numpy()
    majority = float((labels[1] == np.bincount(labels[0]).argmax()).mean())
    raw = [x.flatten(1).double().numpy() for x in (data.x_train, data.x_validation)]
    of_inputs = probe(raw, labels, settings)
    cases = [(name, replicate) for name in settings.encoders for replicate in job.replicates]
    for name, replicate in progress(cases, "encoders"):
        base = {"encoder": name, "replicate": replicate, "majority": majority}
        encoder = job.config.encoders[name]
        seed = replicate_seed(encoder, replicate)
        networks = {
            TRAINED: job.network(name, replicate),
            UNTRAINED: build_network(encoder, data.classes, data.input_shape, seed),
        }
        for seen, network in networks.items():
            yield base | {"seen": seen} | probe(_representations(job, network), labels, settings)
        yield base | {"seen": INPUTS} | of_inputs


def _representations(
    job: EncoderJob[LinearProbeSettings], network: EncoderNetwork
) -> list[Float[np.ndarray, "_ unit"]]:
    """Of the training and the test part, in evaluation mode."""
    device = next(network.parameters()).device
    return [
        encode(network.encoder, x.to(device), job.settings.memory).double().cpu().numpy()
        for x in (job.data.x_train, job.data.x_validation)
    ]


def probe(
    seen: list[Float[np.ndarray, "_ feature"]],
    labels: tuple[Int[np.ndarray, " train"], Int[np.ndarray, " test"]],
    settings: LinearProbeSettings,
) -> dict[str, float]:
    """Train logistic regression on standardised features.

    Args:
        seen: features of the training and the test samples.
        labels: classes of both.
        settings: the section of the experiment.

    Returns:
        `accuracy` on the test samples and `train_accuracy`.

    Raises:
        ConfigError: if it does not converge.
    """
    model = make_pipeline(
        StandardScaler(), LogisticRegression(C=settings.penalty, max_iter=settings.iterations)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        try:
            model.fit(seen[0], labels[0])
        except ConvergenceWarning as error:
            raise ConfigError(
                f"linear_probe.iterations: expected as many as the classifier needs, got"
                f" {settings.iterations}, which are too few; raise it, or lower penalty"
            ) from error
    accuracies = [float(model.score(x, y)) for x, y in zip(seen, labels, strict=True)]
    return {"accuracy": accuracies[1], "train_accuracy": accuracies[0]}
