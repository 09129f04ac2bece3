"""Does removing training samples do what their influence says?"""

import logging
import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, Int
from torch import nn

from explaind.config.training import History
from explaind.data.load import LoadedDataset
from explaind.errors import ConfigError
from explaind.experiments.job import Job
from explaind.experiments.leave_group_out.groups import Group, removed_groups
from explaind.experiments.leave_group_out.settings import LeaveGroupOutSettings
from explaind.kernel.functionals import margin
from explaind.kernel.path_kernel import PathKernel
from explaind.log import progress
from explaind.store import remove_store
from explaind.training.metrics import evaluate
from explaind.training.task import task_of
from explaind.training.train import record_training

logger = logging.getLogger(__name__)


def compute(job: Job[LeaveGroupOutSettings]) -> pd.DataFrame:
    """Train the network without each group of training samples, and test what that changes.

    It is trained again (`record_training`) from the same initial parameters, over the same steps
    and batches, from which the removed samples are missing; the loss of a batch is the mean over
    the others.

    Args:
        job: the experiment.

    Returns:
        The rows of `group_table` for every group.
    """
    settings, data = job.settings, job.data
    indices = target_indices(len(data.y_validation), settings, job.name)
    targets = explained_targets(job.kernel, data, indices, settings.block)
    groups = removed_groups(
        targets.influence.mean(0), settings.shares, settings.draws, settings.seed
    )
    tables = []
    for group in progress(list(groups), "retrain without a group"):
        outcome = tested(retrained(job, group.samples), job, group.samples, indices)
        tables.append(group_table(group, targets, outcome))
        logger.info("%s, share %g, draw %d", group.kind, group.share, group.draw)
    return pd.concat(tables)


@dataclass(frozen=True)
class Targets:
    """Validation samples whose logit margin is looked at (`kernel.functionals.margin`).

    Attributes:
        indices: rows of the validation split.
        before: margin by the network of the run, nat.
        influence: influence of every training sample on it, nat, positive = raised it.
    """

    indices: Int[np.ndarray, " target"]
    before: Float[np.ndarray, " target"]
    influence: Float[np.ndarray, "target train"]


@dataclass(frozen=True)
class Outcome:
    """What a retrained network does.

    Attributes:
        margins: logit margins of the targets, nat.
        train_accuracy: on the samples that it was trained on.
        validation_accuracy: on the validation samples.
        majority: accuracy of always answering the most frequent class, on the former.
    """

    margins: Float[np.ndarray, " target"]
    train_accuracy: float
    validation_accuracy: float
    majority: float


def target_indices(
    validation: int, settings: LeaveGroupOutSettings, experiment: str
) -> Int[np.ndarray, " target"]:
    """Choose the targets among the validation samples, at random.

    Args:
        validation: number of validation samples.
        settings: how many, and the seed.
        experiment: name of the experiment, for the message.

    Returns:
        Their rows in the validation split, ascending.

    Raises:
        ConfigError: if there are fewer.
    """
    if settings.targets > validation:
        raise ConfigError(
            f"experiments.{experiment}.targets: expected at most {validation}, the number of"
            f" validation samples, got {settings.targets}; lower it"
        )
    return np.sort(np.random.default_rng(settings.seed).permutation(validation)[: settings.targets])


def explained_targets(
    kernel: PathKernel, data: LoadedDataset, indices: Int[np.ndarray, " target"], block: int
) -> Targets:
    """Explain the targets.

    Args:
        kernel: the path kernel of the run.
        data: its dataset.
        indices: rows of the validation split.
        block: samples explained in a block.

    Returns:
        The targets with what is known before any sample is removed.
    """
    parts = [
        kernel.explain(
            data.x_validation[rows],
            data.y_validation[rows],
            "margin",
            keep=("influence",),
            block=block,
        )
        for rows in np.array_split(indices, math.ceil(len(indices) / block))
    ]
    before, influence = (
        np.concatenate([part[name].values[:, 0] for part in parts]).astype(np.float64)
        for name in ("final_output", "influence")
    )
    return Targets(indices, before, influence)


def retrained(job: Job[LeaveGroupOutSettings], removed: Int[np.ndarray, " removed"]) -> nn.Module:
    """Train the network of the run without some samples.

    Args:
        job: the experiment.
        removed: the training samples to leave out.

    Returns:
        The trained network, on the device of the run.
    """
    ends = History(every=job.run.training.steps(len(job.data.y_train)))  # nothing between is read
    training = job.run.training.model_copy(update={"history": ends})
    run, store = job.run.model_copy(update={"training": training}), job.scratch / "history.zarr"
    model = record_training(run, job.data, store, job.values, removed.tolist())
    remove_store(store)
    return model


@torch.no_grad()
def tested(
    model: nn.Module,
    job: Job[LeaveGroupOutSettings],
    removed: Int[np.ndarray, " removed"],
    indices: Int[np.ndarray, " target"],
) -> Outcome:
    """Test a retrained network.

    Args:
        model: the network.
        job: the experiment.
        removed: the training samples that it was not trained on.
        indices: rows of the targets in the validation split.

    Returns:
        What it does.
    """
    data, task = job.data.to(next(model.parameters()).device), task_of(job.run.training.loss)
    left = np.setdiff1d(np.arange(len(data.y_train)), removed)
    labels = data.y_train[left]
    margins = margin(model(data.x_validation[indices]), data.y_validation[indices])
    validation = evaluate(model, data.x_validation, data.y_validation, task)
    return Outcome(
        margins=margins.double().cpu().numpy(),
        train_accuracy=evaluate(model, data.x_train[left], labels, task)["accuracy"],
        validation_accuracy=validation["accuracy"],
        majority=float(labels.bincount().max()) / len(labels),
    )


def group_table(group: Group, targets: Targets, outcome: Outcome) -> pd.DataFrame:
    """Put what influence predicted beside what happened.

    Args:
        group: the removed samples.
        targets: the targets.
        outcome: what the network does that was trained without the group.

    Returns:
        One row per target: `group`, `share`, `draw`, `removed` (number of samples), `target` (row
        of the validation split), `before` (logit margin with all samples), `predicted` (minus the
        summed influence of the group) and `actual` change, nat; and of the network
        `train_accuracy`, `validation_accuracy` and `majority` (see `Outcome`).
    """
    return pd.DataFrame(
        {
            "group": group.kind,
            "share": group.share,
            "draw": group.draw,
            "removed": len(group.samples),
            "target": targets.indices,
            "before": targets.before,
            "predicted": 0 - targets.influence[:, group.samples].sum(1),
            "actual": outcome.margins - targets.before,
            "train_accuracy": outcome.train_accuracy,
            "validation_accuracy": outcome.validation_accuracy,
            "majority": outcome.majority,
        }
    )
