"""The rule `train`: a recorded training run that can be killed at any moment and goes on."""

import logging
import math
from collections.abc import Collection, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch import nn

from explaind.config.run import Run, check_sizes
from explaind.config.schema import Config
from explaind.config.stages import stage_config
from explaind.config.training import Training
from explaind.data.augmentation import build_augmentation
from explaind.data.load import LoadedDataset, load_dataset
from explaind.device import resolve_device
from explaind.errors import RecordingError
from explaind.fingerprint import code_fingerprint
from explaind.history.guards import LossFunction
from explaind.history.layout import ParameterLayout
from explaind.history.record import record
from explaind.history.recorder import Recorder
from explaind.log import progress
from explaind.models.registry import build_model, components_of
from explaind.paths import Paths
from explaind.store import is_sealed, only_writer, remove_store, stored_attributes
from explaind.training.interval import snapshot_interval
from explaind.training.losses import LOSSES
from explaind.training.metrics import (
    evaluate,
    loss_and_accuracy,
    metric_names,
    parameter_norms,
    write_metrics,
)
from explaind.training.optimizers import build_optimizer
from explaind.training.order import batches_from
from explaind.training.schedule import learning_rate, set_learning_rate

logger = logging.getLogger(__name__)


def train(config: Config, paths: Paths, run: str) -> None:
    """Train a run and record its path; go on from the last checkpoint if there is one.

    Args:
        config: the whole configuration.
        paths: where things lie.
        run: name of the run.

    Raises:
        ConfigError: if the run asks for more than its dataset has, or its model cannot take it.
        RecordingError: if the loss becomes NaN, naming the step.
        StoreError: if another process is training this run.
    """
    settings = config.runs[run]
    data = load_dataset(config, paths, settings.dataset)
    check_sizes(run, settings, len(data.y_train), len(data.y_validation))
    record_training(settings, data, paths.history(run), stage_config(config, "train", run))
    write_metrics(paths, run)


def record_training(
    settings: Run,
    data: LoadedDataset,
    path: Path,
    config: Mapping[str, Any],
    removed: Collection[int] = (),
) -> nn.Module:
    """Train a network on a dataset and record its path.

    Args:
        settings: the run; its dataset is `data`.
        data: the dataset.
        path: folder of the history store; an unsealed one of the same origin is continued.
        config: what the store is made with, JSON only.
        removed: training samples that are left out (`batches_from`). Everything else is as with
            them: initial parameters, steps, learning rates, augmentation and the batches that the
            others are in.

    Returns:
        The trained network, on the device of the run.

    Raises:
        ConfigError: if the model cannot take the data, or a batch has no samples left.
        RecordingError: if the loss becomes NaN, naming the step.
        StoreError: if another process is writing the store.
    """
    device = resolve_device(settings.training.device)
    data = data.to(device)
    model = build_model(settings.model, data.classes, data.input_shape).to(device)
    origin = {
        "config": dict(config),
        "code": code_fingerprint(__name__),
        "data": data.sha256,
        "removed": sorted(removed),
    }
    with only_writer(path):
        if is_sealed(path) or not _is_of(path, origin):
            remove_store(path)  # a finished run, or one of another configuration or code
    loss_fn = LOSSES[settings.training.loss]
    optimizer = build_optimizer(settings.training.optimizer, model)
    components = components_of(model)
    layout = ParameterLayout.of(model, optimizer, components)
    recorder = record(
        model,
        optimizer,
        loss_fn,
        path,
        every=snapshot_interval(settings.training, len(data.y_train), optimizer, layout),
        components=components,
        metrics=metric_names(layout),
        resume=True,
        attributes=origin,
        max_batch_size=settings.training.batch_size or len(data.y_train),
        augment=build_augmentation(settings.training, len(data.y_train)),
    )
    with recorder:
        trainer = _Trainer(model, optimizer, loss_fn, layout, data, settings.training)
        _loop(recorder, trainer, removed)
    return model


def _is_of(path: Path, origin: dict[str, Any]) -> bool:
    stored = stored_attributes(path)
    return {key: stored.get(key) for key in origin} == origin


class _Trainer:
    """One training step at a time; holds what the loop needs."""

    def __init__(
        self,
        model: Any,
        optimizer: Any,
        loss_fn: LossFunction,
        layout: ParameterLayout,
        data: LoadedDataset,
        settings: Training,
    ) -> None:
        self.model, self.optimizer, self.loss_fn = model, optimizer, loss_fn
        self.layout, self.data, self.settings = layout, data, settings

    def measure(self, train: tuple[float, float]) -> dict[str, float]:
        """Metrics at the present parameters, given loss and accuracy on training samples."""
        data = self.data
        validation = evaluate(self.model, data.x_validation, data.y_validation, self.loss_fn)
        found = {
            f"{split}_{what}": value
            for split, pair in (("train", train), ("validation", validation))
            for what, value in zip(("loss", "accuracy"), pair, strict=True)
        }
        return {**found, **parameter_norms(self.layout, self.model)}

    def finished(self, metrics: dict[str, float]) -> bool:
        """Whether train and validation accuracy have reached the goal."""
        goal = self.settings.stop_at_accuracy
        return goal is not None and all(
            metrics[f"{split}_accuracy"] >= goal for split in ("train", "validation")
        )


def _loop(recorder: Recorder, trainer: _Trainer, removed: Collection[int]) -> None:
    """Steps until the goal or the cap; the metrics of each point are measured before its step."""
    settings, data = trainer.settings, trainer.data
    if recorder.steps:
        logger.info("going on from step %d", recorder.steps)
    samples = len(data.y_train)
    left = settings.steps(samples) - recorder.steps
    drawn = (recorder.steps, data.x_train, data.y_train, settings.batch_size, settings.seed)
    endless = batches_from(*drawn, removed)
    metrics: dict[str, float] = {}
    for batch in progress(recorder.batches(islice(endless, left)), "train", left):
        set_learning_rate(trainer.optimizer, learning_rate(settings, recorder.steps, samples))
        trainer.optimizer.zero_grad()
        output = trainer.model(batch.x)
        loss = trainer.loss_fn(output, batch.y).mean()
        value = float(loss.detach())
        if not math.isfinite(value):
            raise RecordingError(
                f"The training loss is {value} at step {recorder.steps}. Lower the learning rate"
                " or set training.clip_norm."
            )
        train = loss_and_accuracy(output.detach(), batch.y, trainer.loss_fn)
        metrics = trainer.measure(train)
        recorder.log(**metrics)
        if trainer.finished(metrics):
            logger.info("goal reached after %d steps", recorder.steps)
            return
        torch.autograd.backward(loss)
        if settings.clip_norm is not None:
            recorder.clip_grad_norm_(settings.clip_norm)
        trainer.optimizer.step()
    last = evaluate(trainer.model, data.x_train, data.y_train, trainer.loss_fn)
    recorder.log(**trainer.measure(last))
