"""Data influence through every single parameter, with and without cancelling over the steps."""

import numpy as np
import torch

from explaind.history.history import History
from explaind.history.regularisation import RegularisationMotion
from explaind.kernel.query.queries import QuerySide
from explaind.kernel.trajectory.steps import backward_steps
from explaind.log import progress


def parameter_influence_of_steps(
    history: History, decay: RegularisationMotion, queries: QuerySide
) -> dict[str, np.ndarray]:
    """Sum the data part of every parameter over all steps (mathematics, section 5).

    What parameter `p` did in step `s` is `abar_s[p]` times its motion due to the data: nothing of
    the training side is needed. `kernel.parameter_scores` keeps the same by training interval.

    Args:
        history: the recorded path.
        decay: its decay motion.
        queries: the query side, averaging full gradients.

    Returns:
        `net`, the sum, and `absolute`, the sum of absolute values, float64 `[test, output, param]`.
    """
    shape = (*queries.values(history.theta(0)).shape, history.layout.size)
    net, absolute = torch.zeros(2, *shape, dtype=torch.float64, device=history.device)
    steps = backward_steps(history, decay)
    for step in progress(steps, "influence of parameters", history.steps):
        data = queries.step(step.start, step.end, step.parts).averaged * step.parts[0]
        net += data
        absolute += data.abs()
    return {"net": net.cpu().numpy(), "absolute": absolute.cpu().numpy()}
