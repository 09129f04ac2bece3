"""How far apart the snapshots of a run's history lie."""

import torch

from explaind.config.training import Training
from explaind.history.layout import ParameterLayout
from explaind.history.optimizer_state import state_names
from explaind.history.optimizers import has_second_moment
from explaind.history.thinning import balanced_interval


def snapshot_interval(
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
