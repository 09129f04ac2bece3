"""A recorded training that can be killed at any moment and goes on."""

import logging
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from explaind.config.run import Run
from explaind.config.training import Training
from explaind.data.augmentation import build_augmentation
from explaind.data.load import LoadedDataset
from explaind.device import resolve_device
from explaind.errors import ConfigError, RecordingError
from explaind.fingerprint import code_fingerprint
from explaind.history.checkpoint_interval import balanced_interval
from explaind.history.layout import ParameterLayout
from explaind.history.optimizer_state import state_names
from explaind.history.optimizer_step import has_second_moment
from explaind.history.recording.recorder import Recorder, record
from explaind.log import progress
from explaind.models.registry import build_model, components_of
from explaind.store import is_sealed, only_writer, remove_store, stored_attributes
from explaind.training.metrics import SPLITS, evaluate, metric_names, parameter_norms
from explaind.training.optimizer import build_optimizer, learning_rate, set_learning_rate
from explaind.training.order import batches_from
from explaind.training.task import Task, task_of

logger = logging.getLogger(__name__)


def record_training(
    settings: Run,
    data: LoadedDataset,
    path: Path,
    config: Mapping[str, Any],
    removed: Collection[int] = (),
    initial: Mapping[str, Tensor] | None = None,
) -> nn.Module:
    """Train a network on a dataset and record its path.

    Refused are a model that cannot take the data and a batch with no samples left (`ConfigError`),
    a loss that becomes NaN (`RecordingError`) and a store that another process is writing
    (`StoreError`).

    Args:
        settings: the run; its dataset is `data`.
        data: the dataset.
        path: folder of the history store; an unsealed one of the same origin is continued.
        config: what the store is made with, JSON only.
        removed: training samples that are left out (`batches_from`). Everything else is as with
            them: initial parameters, steps, learning rates, augmentation and the batches that the
            others are in.
        initial: parameters to start from by name, in place of those that the model is built with;
            `config` must tell them apart.

    Returns:
        The trained network, on the device of the run.
    """
    training, device = settings.training, resolve_device(settings.training.device)
    data = data.to(device)
    model = build_model(settings.model, data.classes, data.input_shape)
    model.load_state_dict({**model.state_dict(), **(initial or {})})
    model.to(device)
    origin = {
        "config": dict(config),
        "code": code_fingerprint(__name__),
        "data": data.sha256,
        "removed": sorted(removed),
    }
    keep_if_of(path, origin)
    task, samples = task_of(training.loss), len(data.x_train)
    optimizer = build_optimizer(training.optimizer, model)
    components = components_of(model)
    layout = ParameterLayout.of(model, optimizer, components)
    recorder = record(
        model,
        optimizer,
        task.loss_fn,
        path,
        every=checkpoint_interval(training, samples, optimizer, layout),
        components=components,
        metrics=metric_names(task, layout),
        resume=True,
        attributes=origin,
        max_batch_size=training.batch_size or samples,
        augment=build_augmentation(training, samples),
    )
    with recorder:
        Trainer(model, optimizer, task, layout, data, training).run(recorder, removed)
    return model


def checkpoint_interval(
    settings: Training, samples: int, optimizer: torch.optim.Optimizer, layout: ParameterLayout
) -> int:
    """Steps between snapshots, as configured or balanced for the cap of the training.

    Args:
        settings: the training section of a run.
        samples: number of training samples.
        optimizer: the optimizer of the run.
        layout: the trained parameters.

    Returns:
        The interval; 1 = a full history.
    """
    every = settings.history.every
    if every != "auto":
        return every
    vector = layout.size * optimizer.param_groups[0]["params"][0].element_size()
    snapshot = (1 + len(state_names(optimizer))) * vector
    step = (1 + has_second_moment(optimizer)) * vector
    return balanced_interval(settings.steps(samples), snapshot, step)


@dataclass(frozen=True)
class Trainer:
    """A network, what it is trained on and how.

    Attributes:
        model: the network.
        optimizer: its optimizer.
        task: loss and metrics.
        layout: the trained tensors, whose norms are measured.
        data: the dataset, on the device of the network.
        settings: steps, batches, schedule, clipping and goal.

    Raises:
        ConfigError: if training is to stop at an accuracy and the task has none.
    """

    model: nn.Module
    optimizer: torch.optim.Optimizer
    task: Task
    layout: ParameterLayout
    data: LoadedDataset
    settings: Training

    def __post_init__(self) -> None:
        if self.settings.stop_at_accuracy is not None and "accuracy" not in self.task.metrics:
            raise ConfigError(
                "training.stop_at_accuracy: expected null, because what is trained on has no"
                f" accuracy, only {', '.join(self.task.measures())}; set it to null."
            )

    def run(self, recorder: Recorder, removed: Collection[int] = ()) -> None:
        """Take steps until the goal or the cap; each point is measured before its step.

        Args:
            recorder: the recorder, entered; it may have recorded steps before.
            removed: training samples that are left out.

        Raises:
            RecordingError: if the loss becomes NaN or infinite, naming the step.
        """
        settings, data = self.settings, self.data
        if recorder.steps:
            logger.info("going on from step %d", recorder.steps)
        samples = len(data.x_train)
        left = settings.steps(samples) - recorder.steps
        drawn = (recorder.steps, data.x_train, data.y_train, settings.batch_size, settings.seed)
        endless = batches_from(*drawn, removed, data.groups_in_turn)
        for batch in progress(recorder.batches(islice(endless, left)), "train", left):
            rate = learning_rate(settings, recorder.steps, samples)
            set_learning_rate(self.optimizer, rate)
            self.optimizer.zero_grad()
            output = self.model(batch.x)
            loss = self.task.loss_fn(output, batch.y).mean()
            value = float(loss.detach())
            if not math.isfinite(value):
                raise RecordingError(
                    f"The training loss is {value} at step {recorder.steps}. Lower the learning"
                    " rate or set training.clip_norm."
                )
            metrics = self._metrics(self.task.measure(output.detach(), batch.y))
            recorder.log(**metrics)
            if is_finished(settings, metrics):
                logger.info("goal reached after %d steps", recorder.steps)
                return
            torch.autograd.backward(loss)
            if settings.clip_norm is not None:
                recorder.clip_grad_norm_(settings.clip_norm)
            self.optimizer.step()
        recorder.log(**self._metrics(evaluate(self.model, data.x_train, data.y_train, self.task)))

    def _metrics(self, train: dict[str, float]) -> dict[str, float]:
        """Return the metrics at the present parameters, given those on training samples."""
        data = self.data
        validation = evaluate(self.model, data.x_validation, data.y_validation, self.task)
        measured = {
            f"{split}_{name}": value
            for split, numbers in zip(SPLITS, (train, validation), strict=True)
            for name, value in numbers.items()
        }
        return {**measured, **parameter_norms(self.layout, self.model)}


def is_finished(settings: Training, metrics: Mapping[str, float]) -> bool:
    """Return whether train and validation accuracy have reached the goal of a training."""
    goal = settings.stop_at_accuracy
    return goal is not None and all(metrics[f"{split}_accuracy"] >= goal for split in SPLITS)


def keep_if_of(path: Path, origin: Mapping[str, Any]) -> None:
    """Remove a history unless it is an unfinished one of the same configuration, code and data.

    A store that another process is writing is refused (`StoreError`).

    Args:
        path: folder of the store.
        origin: the attributes that it must have.
    """
    with only_writer(path):
        stored = stored_attributes(path)
        if is_sealed(path) or {key: stored.get(key) for key in origin} != origin:
            remove_store(path)
