"""Where the command finds the training that it examines: an import path, or a run of a config."""

import sys
from collections.abc import Mapping
from dataclasses import fields
from importlib import import_module
from typing import Any

from torch.utils.data import DataLoader, TensorDataset

from explaind.config.schema import Config
from explaind.data.load import load_dataset
from explaind.device import resolve_device
from explaind.doctor.examine import Training
from explaind.errors import ConfigError
from explaind.models.registry import build_model
from explaind.paths import Paths
from explaind.training.optimizer import build_optimizer
from explaind.training.task import task_of


def imported_training(reference: str, given: Mapping[str, Any]) -> Training:
    """Call a function that builds a training.

    Args:
        reference: `package.module:function`, from the working directory or installed. It returns
            `(model, optimizer, loss_fn, loader)`, or a `Training`'s fields by name.
        given: fields that replace those of the function.

    Returns:
        The training.

    Raises:
        ConfigError: if there is no such function, or it returns something else.
    """
    module, _, name = reference.partition(":")
    sys.path.insert(0, "")  # as Python itself does for `python -m`
    try:
        build = getattr(import_module(module), name or "build")
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigError(
            f"Expected a function as package.module:function, got {reference!r} ({error}). Name one"
            " that returns (model, optimizer, loss_fn, loader), from the folder that holds it."
        ) from error
    built = build()
    names = [field.name for field in fields(Training)]
    if isinstance(built, tuple) and len(built) == 4:
        built = dict(zip(names, built, strict=False))
    if not isinstance(built, Mapping) or not set(names[:4]) <= set(built) <= set(names):
        raise ConfigError(
            f"{reference}: expected (model, optimizer, loss_fn, loader), or a mapping of some of"
            f" {names} with these four, got {type(built).__name__}. Return one of them."
        )
    return Training(**{**built, **given})


def configured_training(config: Config, paths: Paths, run: str) -> Training:
    """Build a run of a config; its dataset must have been prepared.

    Args:
        config: the whole configuration.
        paths: where things lie.
        run: name of the run.

    Returns:
        The training; schedule, augmentation and clipping of the run do not matter here.
    """
    settings = config.runs[run]
    data = load_dataset(config, paths, settings.dataset)
    samples = len(data.x_train)
    data = data.to(resolve_device(settings.training.device))
    model = build_model(settings.model, data.classes, data.input_shape)
    model.to(data.x_train.device)
    return Training(
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
