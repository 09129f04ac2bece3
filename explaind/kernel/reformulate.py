"""What the data did in all, with nothing of the training side: no single samples are credited.

All outputs are rebuilt from the path by one forward-mode derivative per part of each step; the
influence through single parameters takes full gradients.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from explaind.history.replay.history import History
from explaind.history.replay.regularisation import RegularisationMotion
from explaind.kernel.explained import end_values
from explaind.kernel.query.queries import Queries
from explaind.kernel.trajectory.intervals import interval_of
from explaind.kernel.trajectory.steps import backward_steps, parts_of
from explaind.log import progress


def reformulate_steps(
    history: History, regularisation: RegularisationMotion, queries: Queries
) -> dict[str, np.ndarray]:
    """Sum the data and regularisation parts of every step for all outputs (mathematics, section 5).

    Args:
        history: the recorded path.
        regularisation: the part of its motion due to regularisation.
        queries: the query side, averaging derivatives along the parts of the step.

    Returns:
        The outputs `initial` and `true`, the parts of the motion and `residual`, `[test, class]`,
        and per step `[step]` the mean absolute `change`, parts and residual and the mean number of
        subintervals; all float64.
    """
    ends = end_values(history, queries)
    initial, true = ends["initial_output"], ends["final_output"]
    names = parts_of(history)
    total = torch.zeros(len(names) + 1, *initial.shape, dtype=torch.float64, device=history.device)
    means = torch.zeros(history.steps, len(names) + 3, dtype=torch.float64, device=history.device)
    steps = backward_steps(history, regularisation)
    for step, derivative in queries.along(progress(steps, "reformulate", history.steps)):
        change, parts = derivative.change.double(), derivative.averaged.double()
        rows = torch.stack([*parts.unbind(-1), change - parts.sum(-1)])
        total += rows
        means[step.number, 0] = change.abs().mean()
        means[step.number, 1:-1] = rows.abs().mean((1, 2))
        means[step.number, -1] = derivative.subintervals.double().mean()
    averaged = [f"{name}_mean_abs" for name in ("change", *names, "residual")]
    columns = zip((*averaged, "subintervals"), means.T, strict=True)
    per_step = {f"step_{name}": column for name, column in columns}
    sums = dict(zip((*names, "residual"), total, strict=True))
    arrays = {name: value.cpu().numpy() for name, value in {**sums, **per_step}.items()}
    return {"initial": initial, "true": true, **arrays}


def parameter_influence_of_steps(
    history: History, regularisation: RegularisationMotion, queries: Queries
) -> dict[str, np.ndarray]:
    """Sum the data part of every parameter over all steps, with and without cancelling.

    What parameter `p` did in step `s` is `abar_s[p]` times its motion due to the data (mathematics,
    section 5). `collectors.parameters` keeps the same by training interval.

    Args:
        history: the recorded path.
        regularisation: the part of its motion due to regularisation.
        queries: the query side, averaging full gradients.

    Returns:
        `net`, the sum, and `absolute`, the sum of absolute values, float64 `[test, output, param]`.
    """
    shape = (*queries.values(history.initial).shape, history.layout.size)
    net, absolute = torch.zeros(2, *shape, dtype=torch.float64, device=history.device)
    steps = backward_steps(history, regularisation)
    steps = progress(steps, "influence of parameters", history.steps)
    for step, derivative in queries.along(steps):
        data = derivative.averaged * step.parts[0]
        net += data
        absolute += data.abs()
    return {"net": net.cpu().numpy(), "absolute": absolute.cpu().numpy()}


def parameter_influence_of_intervals(
    history: History,
    regularisation: RegularisationMotion,
    queries: Queries,
    bounds: np.ndarray,
    parts: Sequence[str] = ("data",),
) -> Iterator[tuple[int, Float[Tensor, "part test output param"]]]:
    """Sum the data part, or several parts, of every parameter over the steps of each interval.

    In memory are the sums of one interval and the gradients of one block of samples. Sums are of
    the type of the computation: those of a thousand float32 steps are right to about 1e-6.

    Args:
        history: the recorded path.
        regularisation: the part of its motion due to regularisation.
        queries: the query side, averaging full gradients.
        bounds: bounds of the intervals.
        parts: which of `trajectory.steps.PARTS`.

    Yields:
        The number of an interval and its sums, the last interval first; the tensor is the same
        every time, and is overwritten afterwards.
    """
    shape = (len(parts), *queries.values(history.initial).shape, history.layout.size)
    sums = torch.zeros(shape, dtype=history.dtype, device=history.device)
    chosen = [parts_of(history).index(part) for part in parts]
    steps = backward_steps(history, regularisation)
    for step in progress(steps, "influence of parameters by interval", history.steps):
        first = 0
        for block in queries.step_by_block(step):
            rows = slice(first, first + len(block.averaged))
            for total, part in zip(sums, step.parts[chosen], strict=True):
                total[rows].addcmul_(block.averaged, part)
            first = rows.stop
        interval = interval_of(bounds, step.number)
        if step.number == bounds[interval]:
            yield interval, sums
            sums.zero_()
