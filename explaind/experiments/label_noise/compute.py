"""The rule `label_noise`: are training samples with wrong labels found by their influence?"""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Bool, Int
from sklearn.model_selection import train_test_split

from explaind.config import Config, stage_config
from explaind.config.experiments import LabelNoiseExperiment
from explaind.config.run import Run
from explaind.config.sizes import check_sizes
from explaind.data.load import LoadedDataset, load_dataset
from explaind.errors import ConfigError
from explaind.experiments.label_noise.flipped_labels import flip_labels
from explaind.experiments.label_noise.scores import explained_scores, final_scores
from explaind.experiments.scratch import scratch_folder
from explaind.files import replacing
from explaind.paths import Paths
from explaind.pipeline.load_kernel import open_kernel
from explaind.training.task import task_of
from explaind.training.train import record_training

logger = logging.getLogger(__name__)


def label_noise(config: Config, paths: Paths, experiment: str) -> None:
    """Write `results/{run}/experiments/{experiment}.parquet`, a row per seed and training sample.

    For every seed some training labels are flipped, the network is trained on them as the run is,
    and the training samples are scored.

    Args:
        config: the whole configuration.
        paths: where things lie.
        experiment: name of the experiment.

    Raises:
        StoreError: if the dataset is missing or does not fit.
        ConfigError: if there are fewer training samples than are to be ranked.
    """
    settings = config.experiments[experiment]
    assert isinstance(settings, LabelNoiseExperiment)
    run = config.runs[settings.run]
    data = load_dataset(config, paths, run.dataset)
    check_sizes(settings.run, run, len(data.y_train), len(data.y_validation))
    if settings.ranked is not None and settings.ranked >= len(data.y_train):
        raise ConfigError(
            f"experiments.{experiment}.ranked: expected less than {len(data.y_train)}, the number"
            f" of training samples, got {settings.ranked}; lower it, or null for all"
        )
    stage = stage_config(config, "label_noise", experiment)
    path, tables = paths.experiment(settings.run, experiment), []
    with scratch_folder(path) as folder:
        for seed in settings.seeds:
            store = folder / f"{seed}.zarr"
            tables.append(scored_samples(run, settings, data, store, {**stage, "seed": seed}))
            logger.info("scored the training samples of seed %d", seed)
    with replacing(path) as temporary:
        pd.concat(tables).to_parquet(temporary, index=False)


def scored_samples(
    run: Run,
    settings: LabelNoiseExperiment,
    data: LoadedDataset,
    store: Path,
    config: dict[str, Any],
) -> pd.DataFrame:
    """Train a network on flipped labels and score its training samples.

    Args:
        run: the run, which says how to train and to explain.
        settings: how many labels are flipped and how many samples ranked.
        data: the dataset with the true labels.
        store: folder of the history store to make.
        config: what it is made with; its `seed` is that of the flipped labels.

    Returns:
        One row per ranked training sample: `seed`, `sample`, `label` (trained on), `true_label`,
        `flipped`, the scores of `noise_scores` and `random`, uniform numbers.
    """
    seed = config["seed"]
    noisy = flip_labels(data, settings.share, seed)
    model = record_training(run, noisy.data, store, config)
    kernel = open_kernel(run, noisy.data, store, config)
    ranked = ranked_samples(noisy.flipped, settings.ranked, seed)
    device = next(model.parameters()).device
    samples = (noisy.data.x_train[ranked].to(device), noisy.data.y_train[ranked].to(device))
    loss_fn = task_of(run.training.loss).loss_fn
    return pd.DataFrame(
        {
            "seed": seed,
            "sample": ranked,
            "label": noisy.data.y_train[ranked],
            "true_label": data.y_train[ranked],
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
        flipped: which samples have a wrong label.
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
