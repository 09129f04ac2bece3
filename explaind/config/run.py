"""Config of a run, and whether its parts fit each other and its dataset."""

import re

from pydantic import Field

from explaind.config.base import Name, Section
from explaind.config.dataset import Dataset
from explaind.config.epk import Epk
from explaind.config.model import Model, TransformerModel
from explaind.config.training import CLASSIFICATION, Training, TriangularSchedule, explained
from explaind.errors import ConfigError


class Run(Section):
    """One training run and what is computed from it."""

    dataset: Name = Field("modulo", description="Name of the dataset trained on.")
    model: Model = Field(TransformerModel(), description="The network.")
    training: Training = Field(Training(), description="How it is trained.")
    epk: Epk = Field(Epk(), description="What the exact path kernel explains.")

    @property
    def rebuilt(self) -> str:
        """Outputs that the validation rebuilds: all; of text, with one per token, the explained."""
        return self.epk.functional if self.training.loss == "token_cross_entropy" else "all"


def fit_problems(name: str, run: Run, data: Dataset) -> list[str]:
    """Say which parts of a run do not fit each other or the dataset.

    Args:
        name: name of the run.
        run: the run.
        data: its dataset.

    Returns:
        One text per problem.
    """
    problems = []
    if None not in {run.model.inputs, data.inputs} and run.model.inputs != data.inputs:
        problems.append(
            f"runs.{name}.model.kind: expected a model of {data.inputs} for the dataset"
            f" {run.dataset!r} (kind {data.kind}), got {run.model.kind}, a model of"
            f" {run.model.inputs}; change one of them"
        )
    if run.training.augmentation is not None and data.inputs != "images":
        problems.append(
            f"runs.{name}.training.augmentation: expected null for a dataset of"
            f" {data.inputs or 'arrays'}, got"
            f" {run.training.augmentation}, which is for images; change it"
        )
    if (run.training.loss == "token_cross_entropy") != (data.inputs == "text"):
        problems.append(
            f"runs.{name}.training.loss: expected token_cross_entropy for a dataset of text, and no"
            f" other, got {run.training.loss} for {data.inputs}; change it"
        )
    if run.epk.groups not in {None, *data.groupings}:
        problems.append(
            f"runs.{name}.epk.groups: expected one of {list(data.groupings)} or null for a dataset"
            f" of kind {data.kind}, got {run.epk.groups}; change it"
        )
    if run.epk.groups is not None and run.epk.train_samples is not None:
        problems.append(
            f"runs.{name}.epk.groups: expected null beside train_samples, got {run.epk.groups};"
            " sums by group are over all training samples; set one of them to null"
        )
    if run.training.loss == "nll" and not run.model.log_softmax:
        problems.append(
            f"runs.{name}.training.loss: expected cross_entropy for a model with log_softmax"
            " false or of your own, got nll, which needs log-probabilities; change it"
        )
    return [*problems, *_loss_problems(name, run)]


def _loss_problems(name: str, run: Run) -> list[str]:
    """Keys that do not fit the loss."""
    problems, loss = [], run.training.loss
    if run.training.stop_at_accuracy is not None and loss not in CLASSIFICATION:
        problems.append(
            f"runs.{name}.training.stop_at_accuracy: expected null with the loss {loss}, which does"
            f" not tell classes apart, got {run.training.stop_at_accuracy}; change it"
        )
    if re.sub(r"\[\d+\]", "[c]", run.epk.functional) not in explained(loss):
        problems.append(
            f"runs.{name}.epk.functional: expected one of {', '.join(explained(loss))} with the"
            f" loss {loss}, got {run.epk.functional}; change it"
        )
    return problems


def size_problems(name: str, run: Run, train: int | None, validation: int | None) -> list[str]:
    """Say what a run asks for and its dataset does not have.

    Args:
        name: name of the run.
        run: the run.
        train: number of training samples; None = not known before the dataset is prepared.
        validation: number of validation samples, likewise.

    Returns:
        One text per problem.
    """
    training, epk = run.training, run.epk
    shards = None if epk.shards == "auto" else epk.shards
    last = None if epk.train_samples is None else epk.train_samples[-1] + 1
    steps = training.max_steps if train is None else training.steps(train)
    limits = [
        ("training.batch_size", training.batch_size, train, "training samples"),
        ("epk.samples", epk.samples, validation, "validation samples"),
        ("epk.shards", shards, epk.samples or validation, "explained samples"),
        ("epk.train_samples", last, train, "training samples"),
        ("epk.segments", epk.segments, steps, "training steps"),
    ]
    problems = [
        f"runs.{name}.{key}: expected at most {limit}, the number of {what}, got {value}; lower it"
        for key, value, limit, what in limits
        if value is not None and limit is not None and value > limit
    ]
    return problems if train is None else [*problems, *_schedule_problems(name, training, train)]


def _schedule_problems(name: str, training: Training, samples: int) -> list[str]:
    schedule = training.schedule
    epochs = training.steps(samples) / training.batches_per_epoch(samples)
    if not isinstance(schedule, TriangularSchedule) or schedule.peak_epoch < epochs:
        return []
    problem = f"expected less than {epochs:g}, the number of epochs, got {schedule.peak_epoch:g}"
    return [f"runs.{name}.training.schedule.peak_epoch: {problem}; lower it"]


def check_sizes(name: str, run: Run, train: int, validation: int) -> None:
    """Refuse a run that asks for more samples than its prepared dataset has.

    Args:
        name: name of the run.
        run: the run.
        train: number of training samples.
        validation: number of validation samples.

    Raises:
        ConfigError: listing what is too large.
    """
    problems = size_problems(name, run, train, validation)
    if problems:
        raise ConfigError("\n".join(problems))
