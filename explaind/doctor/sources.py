"""Where the command finds the training that it examines: an import path, or a run of a config."""

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import Any

from torch import nn
from torch.optim import Optimizer
from torch.utils.data import DataLoader, TensorDataset

from explaind import own_code
from explaind.config.schema import Config
from explaind.data.load import load_dataset
from explaind.device import resolve_device
from explaind.doctor.examine import Training
from explaind.errors import ConfigError
from explaind.models.registry import build_model
from explaind.paths import Paths
from explaind.training.optimizer import build_optimizer
from explaind.training.task import task_of

KINDS: dict[str, Any] = {
    "model": nn.Module,
    "optimizer": Optimizer,
    "loss_fn": Callable,
    "loader": DataLoader,
}
"""What the four are that a training needs."""


def imported_training(reference: str, given: Mapping[str, Any]) -> Training:
    """Call a function that builds a training.

    Args:
        reference: `package.module:function`, from the working directory or installed. It returns
            `(model, optimizer, loss_fn, loader)`, or a `Training`'s fields by name.
        given: fields that replace those of the function.

    Returns:
        The training.

    Raises:
        ConfigError: if there is no such function, it fails, or it returns something else.
    """
    own_code.search_first(".")
    try:
        own_code.check_reference(reference)
    except ValueError as error:
        raise ConfigError(f"build: {error}.") from error
    built = own_code.call(reference, {}, "build")
    names = [field.name for field in fields(Training)]
    if isinstance(built, tuple) and len(built) == 4:
        built = dict(zip(names, built, strict=False))
    if not isinstance(built, Mapping) or not set(names[:4]) <= set(built) <= set(names):
        raise ConfigError(
            f"{reference}: expected (model, optimizer, loss_fn, loader), or a mapping of some of"
            f" {names} with these four, got {type(built).__name__}. Return one of them."
        )
    given = {**built, **given}
    for name, kind in KINDS.items():
        if not isinstance(given[name], kind):
            raise ConfigError(
                f"{reference}: expected {name} to be a {kind.__name__}, got"
                f" {type(given[name]).__name__}. The order is model, optimizer, loss_fn, loader."
            )
    return Training(**given)


def configured_training(
    config: Config, paths: Paths, run: str, given: Mapping[str, Any]
) -> Training:
    """Build a run of a config; its dataset must have been prepared.

    Args:
        config: the whole configuration.
        paths: where things lie.
        run: name of the run.
        given: fields that replace those of the run.

    Returns:
        The training; schedule, augmentation and clipping of the run do not matter here.
    """
    settings = config.runs[run]
    data = load_dataset(config, paths, settings.dataset)
    samples = len(data.x_train)
    data = data.to(resolve_device(settings.training.device))
    model = build_model(settings.model, data.classes, data.input_shape)
    model.to(data.x_train.device)
    training = Training(
        model,
        build_optimizer(settings.training.optimizer, model),
        task_of(settings.training.loss).loss_fn,
        DataLoader(
            TensorDataset(data.x_train, data.y_train),
            batch_size=settings.training.batch_size or samples,
        ),
        steps=settings.training.steps(samples),
        samples=settings.epk.samples or len(data.x_validation),
        outputs=settings.epk.functional,
    )
    return replace(training, **given)
