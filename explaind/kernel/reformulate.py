"""Rebuilding all outputs from the path, by one forward-mode derivative per part of each step."""

import numpy as np
import torch

from explaind.history.history import History
from explaind.history.regularisation import RegularisationMotion
from explaind.kernel.query.queries import QuerySide
from explaind.kernel.trajectory.steps import backward_steps
from explaind.log import progress


def reformulate_steps(
    history: History, decay: RegularisationMotion, queries: QuerySide
) -> dict[str, np.ndarray]:
    """Sum the data and decay parts of every step for all outputs (mathematics, section 5).

    Args:
        history: the recorded path.
        decay: its decay motion.
        queries: the query side, averaging derivatives along the parts of the step.

    Returns:
        `data`, `decay`, `residual` `[test, class]`, and per step `[step]` the mean absolute
        `change`, parts and residual and the mean number of subintervals; all float64.
    """
    shape = queries.values(history.theta(0)).shape
    total = torch.zeros(3, *shape, dtype=torch.float64, device=history.device)
    means = torch.zeros(history.steps, 5, dtype=torch.float64, device=history.device)
    for step in progress(backward_steps(history, decay), "reformulate", history.steps):
        found = queries.step(step.start, step.end, step.parts)
        change, (data, drift) = found.change.double(), found.averaged.double().unbind(-1)
        rows = torch.stack([data, drift, change - data - drift])
        total += rows
        means[step.number, 0] = change.abs().mean()
        means[step.number, 1:4] = rows.abs().mean((1, 2))
        means[step.number, 4] = found.subintervals.double().mean()
    names = (
        "change_mean_abs",
        "data_mean_abs",
        "decay_mean_abs",
        "residual_mean_abs",
        "subintervals",
    )
    per_step = {f"step_{name}": column for name, column in zip(names, means.T, strict=True)}
    sums = dict(zip(("data", "decay", "residual"), total, strict=True))
    return {name: value.cpu().numpy() for name, value in {**sums, **per_step}.items()}
