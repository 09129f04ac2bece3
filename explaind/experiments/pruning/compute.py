"""The rule `pruning`: the trained network of a run, pruned by several scores and tested."""

import logging
from collections.abc import Mapping
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, Int
from sklearn.model_selection import train_test_split
from torch import Tensor, nn

from explaind.config import Config
from explaind.config.experiments import PruningExperiment
from explaind.experiments.pruning.metrics import output_metrics, zero_shares
from explaind.experiments.pruning.pruned_model import QUOTAS, prunable, pruned_model
from explaind.experiments.pruning.scores import (
    influence_scores,
    magnitude_scores,
    random_scores,
    taylor_scores,
)
from explaind.experiments.trained_model import trained_model
from explaind.files import replacing
from explaind.history.layout import ParameterLayout
from explaind.log import progress
from explaind.paths import Paths
from explaind.pipeline.load_kernel import kernel_of_run
from explaind.training.task import task_of

logger = logging.getLogger(__name__)

Row = dict[str, Any]


def pruning(config: Config, paths: Paths, experiment: str) -> None:
    """Write `results/{run}/experiments/{experiment}.parquet`, a row per pruned network.

    Args:
        config: the whole configuration.
        paths: where things lie.
        experiment: name of the experiment.

    Raises:
        StoreError: if the dataset or the history is missing or does not fit.
        ConfigError: if the experiment does not fit the network.
    """
    settings = config.experiments[experiment]
    assert isinstance(settings, PruningExperiment)
    opened = kernel_of_run(config, paths, settings.run)
    model, history = trained_model(config, opened, settings.run), opened.kernel.history
    layout, loss_fn = history.layout, task_of(config.runs[settings.run].training.loss).loss_fn
    names = [slot.name for slot in layout.slots]
    pruned = prunable(names, settings.spared, f"experiments.{experiment}.spared")
    x = opened.data.x_validation.to(history.device)
    y = opened.data.y_validation.to(history.device)
    splits = validation_splits(len(y), settings)
    influence = influence_scores(
        opened.kernel, x, y, [scored for scored, _ in splits], settings.block
    )
    rows: list[Row] = []
    for number, (seed, (scored, tested)) in enumerate(zip(settings.seeds, splits, strict=True)):
        flat = {
            **{method: scores[number] for method, scores in influence.items()},
            "magnitude": magnitude_scores(model, layout),
            "Taylor": taylor_scores(model, layout, loss_fn, x[scored], y[scored], settings.block),
            "random": random_scores(layout, seed),
        }
        scores = {
            method: _by_tensor(layout, vector.to(history.device), pruned)
            for method, vector in flat.items()
        }
        found = pruned_rows(model, scores, (x[tested], y[tested]), settings)
        rows += [{"seed": seed, **row} for row in found]
        logger.info("tested the networks of seed %d", seed)
    with replacing(paths.experiment(settings.run, experiment)) as temporary:
        pd.DataFrame(rows).to_parquet(temporary, index=False)


def validation_splits(
    samples: int, settings: PruningExperiment
) -> list[tuple[Int[np.ndarray, " scored"], Int[np.ndarray, " tested"]]]:
    """Divide the validation samples into those that score and those that test, for every seed."""
    splits = []
    for seed in settings.seeds:
        scored, tested = train_test_split(
            np.arange(samples), train_size=settings.scoring, random_state=seed
        )
        splits.append((scored, tested))
    return splits


def _by_tensor(
    layout: ParameterLayout, vector: Float[Tensor, " param"], names: list[str]
) -> dict[str, Tensor]:
    tensors = layout.unflatten(vector)
    return {name: tensors[name] for name in names}


@torch.no_grad()
def pruned_rows(
    model: nn.Module,
    scores: Mapping[str, Mapping[str, Tensor]],
    samples: tuple[Tensor, Tensor],
    settings: PruningExperiment,
) -> list[Row]:
    """Prune a network by every score to every share, and test it.

    Args:
        model: the trained network.
        scores: scores of the prunable tensors by name, by method.
        samples: inputs and targets to test on.
        settings: the shares.

    Returns:
        `method`, `quota`, `grid`, `keep` (share of the prunable parameters asked for), and the
        numbers of `pruning_metrics`; first those of the unpruned network, its method `none`.
    """
    x, y = samples
    unpruned = model(x)
    case: Row = {"method": "none", "quota": "none", "grid": "none", "keep": 1.0}
    rows = [{**case, **output_metrics(unpruned, unpruned, y), **zero_shares(model)}]
    shares = [(grid, keep) for grid in ("coarse", "fine") for keep in getattr(settings, grid)]
    cases = list(product(scores, QUOTAS, shares))
    for method, quota, (grid, keep) in progress(cases, "prune"):
        found = pruned_model(model, scores[method], keep, quota)
        case = {"method": method, "quota": quota, "grid": grid, "keep": keep}
        rows.append({**case, **output_metrics(found(x), unpruned, y), **zero_shares(found)})
    return rows
