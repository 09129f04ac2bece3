"""The rule `leave_group_out`: does removing training samples do what their influence says?"""

import logging
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from explaind.config import Config, stage_config
from explaind.config.experiments import LeaveGroupOutExperiment
from explaind.config.run import Run
from explaind.config.training import History
from explaind.data.load import LoadedDataset
from explaind.errors import ConfigError
from explaind.experiments.leave_group_out.groups import Group, removed_groups
from explaind.experiments.scratch import scratch_folder
from explaind.files import replacing
from explaind.kernel.functionals import target_logprob
from explaind.log import progress
from explaind.paths import Paths
from explaind.pipeline.load_kernel import RunKernel, kernel_of_run
from explaind.store import remove_store
from explaind.training.train import record_training

logger = logging.getLogger(__name__)


def leave_group_out(config: Config, paths: Paths, experiment: str) -> None:
    """Write `results/{run}/experiments/{experiment}.parquet`, a row per group and target.

    The network is trained again without each group (`record_training`): from the same initial
    parameters, over the same steps and batches, from which the removed samples are missing; the
    loss of a batch is the mean over the others.

    Args:
        config: the whole configuration.
        paths: where things lie.
        experiment: name of the experiment.

    Raises:
        StoreError: if the dataset or the history is missing or does not fit.
        ConfigError: if there are fewer validation samples than targets.
    """
    settings = config.experiments[experiment]
    assert isinstance(settings, LeaveGroupOutExperiment)
    opened = kernel_of_run(config, paths, settings.run)
    run, data = config.runs[settings.run], opened.data
    rows = target_rows(len(data.y_validation), settings, experiment)
    targets = explained_targets(opened, rows, settings.block)
    groups = removed_groups(
        targets.influence.mean(0), settings.shares, settings.draws, settings.seed
    )
    stage = stage_config(config, "leave_group_out", experiment)
    path, tables = paths.experiment(settings.run, experiment), []
    with scratch_folder(path) as folder:
        for group in progress(list(groups), "train"):
            model = retrained(run, data, group.samples, folder / "history.zarr", stage)
            after = log_probabilities(model, data, rows)
            tables.append(group_table(group, targets, after))
            logger.info("%s, share %g, draw %d", group.kind, group.share, group.draw)
    with replacing(path) as temporary:
        pd.concat(tables).to_parquet(temporary, index=False)


@dataclass(frozen=True)
class Targets:
    """Validation samples whose log-probability of the true class is looked at.

    Attributes:
        rows: rows of the validation split.
        before: log-probability by the network of the run, nat.
        influence: influence of every training sample on it, nat, positive = raised it.
    """

    rows: Int[np.ndarray, " target"]
    before: Float[np.ndarray, " target"]
    influence: Float[np.ndarray, "target train"]


def target_rows(
    validation: int, settings: LeaveGroupOutExperiment, experiment: str
) -> Int[np.ndarray, " target"]:
    """Choose the targets among the validation samples, at random.

    Args:
        validation: number of validation samples.
        settings: how many, and the seed.
        experiment: name of the experiment, for the message.

    Raises:
        ConfigError: if there are fewer.
    """
    if settings.targets > validation:
        raise ConfigError(
            f"experiments.{experiment}.targets: expected at most {validation}, the number of"
            f" validation samples, got {settings.targets}; lower it"
        )
    return np.sort(np.random.default_rng(settings.seed).permutation(validation)[: settings.targets])


def explained_targets(opened: RunKernel, rows: Int[np.ndarray, " target"], block: int) -> Targets:
    """Explain the targets, some at a time."""
    x, y = opened.data.x_validation, opened.data.y_validation
    found = [
        opened.kernel.explain(x[some], y[some], keep=("influence",), block=block)
        for some in np.array_split(rows, math.ceil(len(rows) / block))
    ]
    names = ("final_output", "influence")
    before, influence = (
        np.concatenate([part[name].values[:, 0] for part in found]).astype(np.float64)
        for name in names
    )
    return Targets(rows, before, influence)


def retrained(
    run: Run,
    data: LoadedDataset,
    removed: Int[np.ndarray, " removed"],
    store: Path,
    config: dict[str, Any],
) -> nn.Module:
    """Train the network of a run without some samples.

    Args:
        run: the run.
        data: its dataset.
        removed: the training samples to leave out.
        store: folder of a history store that is made and removed again; it holds only the first
            and the last parameters.
        config: what it is made with.
    """
    thin = History(every=run.training.steps(len(data.y_train)))
    training = run.training.model_copy(update={"history": thin})
    settings = run.model_copy(update={"training": training})
    model = record_training(settings, data, store, config, removed.tolist())
    remove_store(store)
    return model


@torch.no_grad()
def log_probabilities(
    model: nn.Module, data: LoadedDataset, rows: Int[np.ndarray, " target"]
) -> Float[np.ndarray, " target"]:
    """Log-probability of the true class of some validation samples, nat, float64."""
    device = next(model.parameters()).device
    output: Tensor = model(data.x_validation[rows].to(device))
    found: np.ndarray = (
        target_logprob(output, data.y_validation[rows].to(device)).double().cpu().numpy()
    )
    return found


def group_table(
    group: Group, targets: Targets, after: Float[np.ndarray, " target"]
) -> pd.DataFrame:
    """Put what influence predicted beside what happened.

    Args:
        group: the removed samples.
        targets: the targets.
        after: log-probabilities of the targets after training without the group, nat.

    Returns:
        One row per target: `group`, `share`, `draw`, `removed` (number of samples), `target` (row
        of the validation split), `before` (log-probability with all samples), `predicted` (minus
        the summed influence of the group) and `actual` change, nat.
    """
    return pd.DataFrame(
        {
            "group": group.kind,
            "share": group.share,
            "draw": group.draw,
            "removed": len(group.samples),
            "target": targets.rows,
            "before": targets.before,
            "predicted": -targets.influence[:, group.samples].sum(1),
            "actual": after - targets.before,
        }
    )
