"""Optimizers by the name that the config gives them."""

import torch
from torch import nn

from explaind.config.optimizer import SGD, Optimizer


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
