"""Optimizers by the name that the config gives them, and their learning rate at every step.

The rate is a function of the step, so that a training can be resumed anywhere.
"""

import numpy as np
import torch
from torch import nn

from explaind.config.optimizer import SGD, Optimizer
from explaind.config.training import Training, TriangularSchedule


def build_optimizer(settings: Optimizer, model: nn.Module) -> torch.optim.Optimizer:
    """Build the optimizer of a run for all parameters of a model.

    Args:
        settings: the optimizer section of a run.
        model: the model.

    Returns:
        The optimizer.
    """
    if isinstance(settings, SGD):
        return torch.optim.SGD(
            model.parameters(),
            lr=settings.learning_rate,
            momentum=settings.momentum,
            dampening=settings.dampening,
            weight_decay=settings.weight_decay,
            nesterov=settings.nesterov,
        )
    family = torch.optim.AdamW if settings.kind == "adamw" else torch.optim.Adam
    return family(
        model.parameters(),
        lr=settings.learning_rate,
        betas=settings.betas,
        eps=settings.eps,
        weight_decay=settings.weight_decay,
        amsgrad=settings.amsgrad,
    )


def learning_rate(settings: Training, step: int, samples: int) -> float:
    """Learning rate of a step.

    Args:
        settings: the training section of a run.
        step: optimizer steps taken before.
        samples: number of training samples.

    Returns:
        The rate; the triangular schedule interpolates from step to step, and the first is 0.
    """
    full, schedule = settings.optimizer.learning_rate, settings.schedule
    if not isinstance(schedule, TriangularSchedule):
        return full
    peak = schedule.peak_epoch * settings.batches_per_epoch(samples)
    return full * float(np.interp(step, [0.0, peak, settings.steps(samples)], [0.0, 1.0, 0.0]))


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Give all parameter groups this learning rate."""
    for group in optimizer.param_groups:
        group["lr"] = rate
