"""Numbers that describe a model at one point of its path."""

import torch
from torch import Tensor, nn

from explaind.history.layout import ParameterLayout
from explaind.training.task import Task

SPLITS = ("train", "validation")
BLOCK = 2048  # samples per forward pass


def metric_names(task: Task, layout: ParameterLayout) -> list[str]:
    """Return the columns of the metrics table: `split_names` of both splits, norms."""
    measured = [name for split in SPLITS for name in split_names(task, split)]
    norms = [f"parameter_norm_{component}" for component in layout.components]
    return [*measured, "parameter_norm", *norms]


def split_names(task: Task, split: str) -> list[str]:
    """Return the columns of one split, `train_loss` and `train_accuracy` say."""
    return [f"{split}_{name}" for name in task.measures()]


def parameter_norms(layout: ParameterLayout, model: nn.Module) -> dict[str, float]:
    """Return the L2 norm of all trained parameters, and of each component."""
    theta = layout.flatten(dict(model.named_parameters()))
    squares = {
        component: sum(float(theta[start:stop].double().square().sum()) for start, stop in ranges)
        for component, ranges in layout.component_ranges().items()
    }
    norms = {f"parameter_norm_{component}": square**0.5 for component, square in squares.items()}
    return {"parameter_norm": sum(squares.values()) ** 0.5, **norms}


@torch.no_grad()
def evaluate(model: nn.Module, x: Tensor, y: Tensor, task: Task) -> dict[str, float]:
    """Measure a model on a split, in blocks of samples.

    Args:
        model: the model.
        x: inputs of the split.
        y: their targets.
        task: what is measured.

    Returns:
        Mean loss and metrics by name.
    """
    output = torch.cat([model(rows) for rows in torch.split(x, BLOCK)])
    return task.measure(output, y)
