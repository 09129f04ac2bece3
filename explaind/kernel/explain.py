"""The adjoint loop: influence of every training sample, and the account of every step."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from explaind.history.decay import DecayMotion
from explaind.history.history import History
from explaind.kernel.accumulator import InfluenceAccumulator, interval_bounds
from explaind.kernel.adjoint import GradientAdjoint, MomentumAdjoint
from explaind.kernel.guards import check_accounts
from explaind.kernel.query import QuerySide
from explaind.kernel.step_account import StepAccount
from explaind.kernel.steps import Step, backward_steps
from explaind.kernel.training_side import TrainingSide
from explaind.log import progress


@dataclass(frozen=True)
class Explanation:
    """What the adjoint loop found.

    Attributes:
        influence: sums of influence.
        account: parts of every step.
        decay: contribution of decay per query, by the adjoint.
        bounds: bounds of the training intervals.
        shape: (explained samples, outputs).
        mismatch: relative difference between summed influence and motion of the parameters.
    """

    influence: InfluenceAccumulator
    account: StepAccount
    decay: Float[Tensor, " query"]
    bounds: np.ndarray
    shape: tuple[int, int]
    mismatch: float

    def arrays(self, keep: Collection[str]) -> dict[str, np.ndarray]:
        """The arrays of the result, with the query axis split into (test, output)."""
        total, stored = self.influence.total.cpu().numpy(), self.account.dtype
        samples = total.shape[-1]
        summed = total.sum(0).reshape(*self.shape, samples)
        arrays = self.account.arrays(self.shape) | {
            "influence": summed.astype(stored),
            "data": summed.sum(-1),
            "decay": self.decay.cpu().numpy().reshape(self.shape),
            "interval_start": self.bounds[:-1],
            "interval_stop": self.bounds[1:],
        }
        if "component" in keep:
            by_component = total.reshape(-1, *self.shape, samples)
            arrays["influence_by_component"] = by_component.astype(stored)
        if self.influence.intervals is not None:
            parts = self.influence.intervals.numpy()
            arrays["influence_by_interval"] = parts.reshape(*parts.shape[:2], *self.shape, samples)
        return arrays


def explain_steps(
    history: History,
    decay: DecayMotion,
    training: TrainingSide,
    queries: QuerySide,
    intervals: int,
    keep_intervals: bool,
) -> Explanation:
    """Run the adjoint loop over the whole path (mathematics, section 4).

    Args:
        history: the recorded path.
        decay: its decay motion.
        training: the training side.
        queries: the query side, averaging full gradients.
        intervals: number of equal training intervals.
        keep_intervals: whether the influence of each interval is kept.

    Returns:
        What was found.

    Raises:
        RecordingError: if the influence does not add up to the motion of the parameters.
    """
    like = history.read(0, 1).theta(0)
    shape = tuple(queries.values(like).shape)
    size, bounds = shape[0] * shape[1], interval_bounds(history.steps, intervals)
    components = len(history.layout.components)
    influence = InfluenceAccumulator(
        bounds, components, size, training.samples, keep_intervals, like
    )
    account = StepAccount(history.layout, history.steps, size, shape[0], like)
    total_decay = torch.zeros(size, dtype=torch.float64, device=history.device)
    adjoint = MomentumAdjoint(history)
    for step in progress(backward_steps(history, decay), "explain", history.steps):
        found = queries.step(step.start, step.end, step.parts)
        averaged = found.averaged.flatten(0, 1)
        psi = adjoint.step(step.block, step.number, averaged)
        index = history.batch(step.number)
        weight, clip = history.sample_weight(step.number), history.clip(step.number)
        contracted = training.contract(psi, step.start, index, weight, clip)
        influence.add(step.number, index, contracted)
        account.add(step.number, found, step.parts, contracted)
        total_decay += _decay_of_step(history, decay, step, psi, averaged)
    dtypes = {like.dtype, history.stored_dtype}
    mismatch = check_accounts(influence.total.sum((0, 2)).cpu(), account.total("data"), dtypes)
    return Explanation(influence, account, total_decay, bounds, (shape[0], shape[1]), mismatch)


def _decay_of_step(
    history: History, decay: DecayMotion, step: Step, psi: GradientAdjoint, averaged: Tensor
) -> Float[Tensor, " query"]:
    """Contribution of decay at this gradient step: `<psi, e_s> - dec <abar, theta>`."""
    decoupled = history.coefficient("decoupled", step.number)
    shrunk = (decoupled * step.start.double()).to(averaged.dtype)
    part = -(averaged @ shrunk).double()
    added = decay.gradient(step.block, step.number)
    if isinstance(added, Tensor):
        part = part + psi.factor * (psi.matrix @ added).double()
    return part
