"""Are training samples with flipped labels found by their influence?"""

import logging

import numpy as np
import pandas as pd
from jaxtyping import Bool, Int
from sklearn.model_selection import train_test_split

from explaind.errors import ConfigError
from explaind.experiments.job import Job
from explaind.experiments.label_noise.flipped_labels import flip_labels
from explaind.experiments.label_noise.scores import explained_scores, final_scores
from explaind.experiments.label_noise.settings import LabelNoiseSettings
from explaind.log import progress
from explaind.pipeline.load_kernel import open_kernel
from explaind.training.task import task_of
from explaind.training.train import record_training

logger = logging.getLogger(__name__)


def compute(job: Job[LabelNoiseSettings]) -> pd.DataFrame:
    """Train on flipped labels, as the run is trained, and score the training samples.

    Args:
        job: the experiment.

    Returns:
        The rows of `scored_samples` for every seed.

    Raises:
        ConfigError: if there are fewer training samples than are to be ranked.
    """
    settings, train = job.settings, len(job.data.y_train)
    if settings.ranked is not None and settings.ranked >= train:
        raise ConfigError(
            f"experiments.{job.name}.ranked: expected less than {train}, the number of training"
            f" samples, got {settings.ranked}; lower it, or null for all"
        )
    tables = []
    for seed in progress(settings.seeds, "seeds of flipped labels"):
        tables.append(scored_samples(job, seed))
        logger.info("scored the training samples of seed %d", seed)
    return pd.concat(tables)


def scored_samples(job: Job[LabelNoiseSettings], seed: int) -> pd.DataFrame:
    """Train a network on flipped labels and score its training samples.

    Args:
        job: the experiment.
        seed: seed of the flipped labels.

    Returns:
        One row per ranked training sample: `seed`, `sample`, `label` (trained on), `true_label`,
        `flipped`, the scores of `explained_scores` and `final_scores`, and `random`, uniform
        numbers.
    """
    run, settings = job.run, job.settings
    store, origin = job.scratch / f"{seed}.zarr", {**job.values, "seed": seed}
    noisy = flip_labels(job.data, settings.share, seed)
    model = record_training(run, noisy.data, store, origin)
    kernel = open_kernel(run, noisy.data, store, origin)
    ranked = ranked_samples(noisy.flipped, settings.ranked, seed)
    device = next(model.parameters()).device
    samples = (noisy.data.x_train[ranked].to(device), noisy.data.y_train[ranked].to(device))
    loss_fn = task_of(run.training.loss).loss_fn
    return pd.DataFrame(
        {
            "seed": seed,
            "sample": ranked,
            "label": noisy.data.y_train[ranked],
            "true_label": job.data.y_train[ranked],
            "flipped": noisy.flipped[ranked],
            **explained_scores(kernel, noisy.data, ranked, settings.held_out, settings.block),
            **final_scores(model, kernel.history.layout, loss_fn, samples, settings.block),
            "random": np.random.default_rng((seed, 1)).random(len(ranked)),
        }
    )


def ranked_samples(
    flipped: Bool[np.ndarray, " train"], ranked: int | None, seed: int
) -> Int[np.ndarray, " ranked"]:
    """Choose the training samples that are ranked, with as many flipped ones in proportion.

    Args:
        flipped: which samples have a flipped label.
        ranked: how many are chosen; None = all.
        seed: seed of the choice.

    Returns:
        Their indices, ascending.
    """
    samples = np.arange(len(flipped))
    if ranked is None:
        return samples
    chosen, _ = train_test_split(samples, train_size=ranked, stratify=flipped, random_state=seed)
    return np.sort(chosen)
