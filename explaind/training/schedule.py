"""Learning rates as a function of the step, so that a training can be resumed anywhere."""

import numpy as np
import torch

from explaind.config.training import Training, TriangularSchedule


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
