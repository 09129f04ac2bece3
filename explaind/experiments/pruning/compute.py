"""The trained network of a run, pruned by several scores and tested."""

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

from explaind.experiments.job import Job
from explaind.experiments.pruning.metrics import output_metrics, zero_fractions
from explaind.experiments.pruning.pruned_model import SCOPES, prunable, pruned_model
from explaind.experiments.pruning.scores import (
    influence_scores,
    magnitude_scores,
    random_scores,
    taylor_scores,
)
from explaind.experiments.pruning.settings import GRIDS, PruningSettings
from explaind.history.layout import ParameterLayout
from explaind.log import progress
from explaind.training.task import task_of

logger = logging.getLogger(__name__)

Row = dict[str, Any]


def compute(job: Job[PruningSettings]) -> pd.DataFrame:
    """Prune the network by every score, once for every random split of the validation samples.

    Args:
        job: the experiment.

    Returns:
        One row per pruned network: `seed`, `tested` (number of its test samples) and the columns of
        `pruned_rows`.
    """
    settings, kernel, data = job.settings, job.kernel, job.data
    model, layout, device = job.trained_model(), kernel.history.layout, kernel.history.device
    loss_fn = task_of(job.run.training.loss).loss_fn
    names = [slot.name for slot in layout.slots]
    pruned = prunable(names, settings.excluded, f"experiments.{job.name}.excluded")
    x, y = data.x_validation.to(device), data.y_validation.to(device)
    splits = validation_splits(len(y), settings)
    influence = influence_scores(kernel, x, y, [scored for scored, _ in splits], settings.block)
    rows: list[Row] = []
    for number, (seed, (scored, tested)) in enumerate(zip(settings.seeds, splits, strict=True)):
        flat = {
            **{method: scores[number] for method, scores in influence.items()},
            "magnitude": magnitude_scores(model, layout),
            "Taylor": taylor_scores(model, layout, loss_fn, x[scored], y[scored], settings.block),
            "random": random_scores(layout, seed),
        }
        scores = {
            method: _by_tensor(layout, vector.to(device), pruned) for method, vector in flat.items()
        }
        tests = pruned_rows(model, scores, (x[tested], y[tested]), settings)
        rows += [{"seed": seed, "tested": len(tested), **row} for row in tests]
        logger.info("tested the networks of seed %d", seed)
    return pd.DataFrame(rows)


def validation_splits(
    samples: int, settings: PruningSettings
) -> list[tuple[Int[np.ndarray, " scored"], Int[np.ndarray, " tested"]]]:
    """Split the validation samples at random for every seed.

    Args:
        samples: number of validation samples.
        settings: the seeds, and the fraction that scores.

    Returns:
        For every seed the rows that parameters are scored on, and those that test the network.
    """
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
    settings: PruningSettings,
) -> list[Row]:
    """Prune a network by every score to every fraction of parameters kept, and test it.

    Args:
        model: the trained network.
        scores: scores of the prunable tensors by name, by method.
        samples: inputs and targets to test on.
        settings: the fractions.

    Returns:
        `method`, `scope`, `grid`, `keep` (fraction of the prunable parameters asked for), and the
        numbers of `output_metrics` and `zero_fractions`; first those of the unpruned network, its
        method `none`.
    """
    x, y = samples
    unpruned = model(x)
    case: Row = {"method": "none", "scope": "none", "grid": "none", "keep": 1.0}
    rows = [{**case, **output_metrics(unpruned, unpruned, y), **zero_fractions(model)}]
    fractions = [(grid, keep) for grid in GRIDS for keep in getattr(settings, grid)]
    cases = list(product(scores, SCOPES, fractions))
    for method, scope, (grid, keep) in progress(cases, "prune"):
        pruned = pruned_model(model, scores[method], keep, scope)
        case = {"method": method, "scope": scope, "grid": grid, "keep": keep}
        rows.append({**case, **output_metrics(pruned(x), unpruned, y), **zero_fractions(pruned)})
    return rows
