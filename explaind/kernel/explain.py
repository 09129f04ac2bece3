"""The adjoint loop: influence of every training sample, and the account of every step."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from explaind.history.history import History
from explaind.history.regularisation import RegularisationMotion
from explaind.kernel.collectors.collect import collectors_of
from explaind.kernel.collectors.explained_step import ExplainedStep
from explaind.kernel.collectors.output_arrays import Slices
from explaind.kernel.contraction.precision import TOLERANCE, deviation
from explaind.kernel.contraction.training_side import TrainingSide
from explaind.kernel.query.queries import QuerySide, StepDerivative
from explaind.kernel.trajectory.adjoint import GradientAdjoint, MomentumAdjoint
from explaind.kernel.trajectory.intervals import interval_bounds, interval_of
from explaind.kernel.trajectory.segment import Segment
from explaind.kernel.trajectory.steps import Step, backward_steps
from explaind.log import progress


@dataclass(frozen=True)
class Explanation:
    """What the adjoint loop found.

    Attributes:
        arrays: arrays of `kernel.result.ARRAYS`, less what closes the account.
        shape: (explained samples, outputs).
        deviation: measured deviation of reduced precision; 0 in full precision.
    """

    arrays: Mapping[str, np.ndarray]
    shape: tuple[int, int]
    deviation: float


def explain_steps(
    history: History,
    decay: RegularisationMotion,
    training: TrainingSide,
    queries: QuerySide,
    slices: Slices,
    segment: Segment,
) -> Explanation:
    """Run the adjoint loop over the path or a segment of it (mathematics, section 4).

    Args:
        history: the recorded path.
        decay: its decay motion.
        training: the training side.
        queries: the query side, averaging full gradients.
        slices: what is kept.
        segment: the steps that are explained.

    Returns:
        What was found; the arrays of the segments of a run add up.
    """
    like = history.theta(0)
    samples, outputs = queries.values(like).shape
    explainer = _Explainer(history, decay, training, slices, like.dtype)
    collectors = collectors_of(
        slices, segment, history.layout, history.steps, training.samples, like
    )
    steps = backward_steps(history, decay, segment.start, segment.warm_up)
    for step in progress(steps, "explain", segment.warm_up - segment.start):
        found = queries.step(step.start, step.end, step.parts)
        psi = explainer.carry(step, found)
        if step.number < segment.stop:
            explained = explainer.explain(step, found, psi)
            for collector in collectors:
                collector.add(explained)
    arrays: dict[str, np.ndarray] = {}
    for collector in collectors:
        arrays |= collector.arrays((samples, outputs))
    return Explanation(arrays, (samples, outputs), float(explainer.deviation))


class _Explainer:
    """Carries the adjoint and meets it with the training side.

    Args:
        history: the recorded path.
        decay: its decay motion.
        training: the training side.
        slices: what is kept.
        dtype: type of the computation.

    Attributes:
        deviation: of reduced precision, measured at the first explained step.
    """

    def __init__(
        self,
        history: History,
        decay: RegularisationMotion,
        training: TrainingSide,
        slices: Slices,
        dtype: torch.dtype,
    ) -> None:
        self._history, self._decay, self._training = history, decay, training
        self._bounds = interval_bounds(history.steps, slices.intervals)
        self._splits, self._by_component = slices.splits_adjoint, slices.by_component
        split = self._bounds if self._splits else None
        self._adjoint = MomentumAdjoint(history, split, TOLERANCE[dtype])
        self._to_measure = training.contraction.reduced
        self.deviation = torch.zeros((), dtype=torch.float64)

    def carry(self, step: Step, found: StepDerivative) -> GradientAdjoint:
        """Take a step into the adjoint."""
        return self._adjoint.step(step.block, step.number, found.averaged.flatten(0, 1))

    def explain(self, step: Step, found: StepDerivative, psi: GradientAdjoint) -> ExplainedStep:
        """Meet the adjoint with the gradients of the batch."""
        averaged = found.averaged.flatten(0, 1)
        if self._to_measure:
            self.deviation, self._to_measure = self._deviation(step, psi), False
        contracted = self._contract(step, psi, self._by_component)
        parts = contracted.shape[2] // len(averaged)
        by_interval = torch.stack(contracted.chunk(parts, dim=2)) if parts > 1 else contracted[None]
        return ExplainedStep(
            step.number,
            found,
            step.parts,
            self._history.batch(step.number),
            by_interval.sum(0) if parts > 1 else contracted,
            by_interval,
            self._adjoint.parts if self._splits else [interval_of(self._bounds, step.number)],
            self._decay_of(step, psi, averaged),
        )

    def _contract(
        self, step: Step, psi: GradientAdjoint, by_component: bool
    ) -> Float[Tensor, "component batch part"]:
        history, number = self._history, step.number
        batch = history.batch(number), history.sample_weight(number), history.clip(number)
        return self._training.contract(psi, step.start, number, *batch, by_component)

    def _deviation(self, step: Step, psi: GradientAdjoint) -> Float[Tensor, ""]:
        found = self._contract(step, psi, by_component=False)
        with self._training.contraction.exact():
            return deviation(found, self._contract(step, psi, by_component=False))

    def _decay_of(
        self, step: Step, psi: GradientAdjoint, averaged: Float[Tensor, "query param"]
    ) -> Float[Tensor, " query"]:
        """Contribution of decay at this gradient step: `<psi, e_s> - dec <abar, theta>`."""
        decoupled = self._history.coefficient("decoupled", step.number)
        shrunk = (decoupled * step.start.double()).to(averaged.dtype)
        part = -(averaged @ shrunk).double()
        added = self._decay.gradient(step.block, step.number)
        if isinstance(added, Tensor):
            through = psi.factor * (psi.matrix @ added).double()
            part = part + through.reshape(-1, len(averaged)).sum(0)
        return part
