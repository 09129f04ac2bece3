"""The adjoint loop: influence of every training sample, and the decomposition of every step."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from explaind.history.replay.history import History
from explaind.history.replay.regularisation import RegularisationMotion
from explaind.kernel.collectors.collector import ExplainedStep
from explaind.kernel.collectors.output_arrays import OutputArrays, make_collectors
from explaind.kernel.contraction.precision import reduction_error
from explaind.kernel.contraction.training_side import TrainingSide
from explaind.kernel.query.derivative import StepDerivative
from explaind.kernel.query.queries import Queries
from explaind.kernel.trajectory.adjoint import Adjoint, GradientAdjoint
from explaind.kernel.trajectory.intervals import Segment, interval_bounds, interval_of
from explaind.kernel.trajectory.steps import Step, backward_steps
from explaind.log import progress


@dataclass(frozen=True)
class Explanation:
    """What the adjoint loop returns.

    Attributes:
        arrays: arrays of `kernel.result.ARRAYS`, less the residual of the whole run.
        shape: (explained samples, outputs).
        precision_error: measured error of reduced precision; 0 in full precision.
        lengths: norms of the parameters, and of the part of their motion that is due to the data,
            each summed over the steps.
    """

    arrays: Mapping[str, np.ndarray]
    shape: tuple[int, int]
    precision_error: float
    lengths: np.ndarray


def explain_steps(
    history: History,
    regularisation: RegularisationMotion,
    training: TrainingSide,
    queries: Queries,
    adjoint: Adjoint,
    outputs: OutputArrays,
    segment: Segment,
) -> Explanation:
    """Run the adjoint loop over the path or a segment of it (mathematics, section 4).

    Args:
        history: the recorded path.
        regularisation: the part of its motion due to regularisation.
        training: the training side.
        queries: the query side, averaging full gradients.
        adjoint: what later steps made of a gradient, at the end of the segment's warm-up.
        outputs: what is kept.
        segment: the steps that are explained.

    Returns:
        The arrays, of which those of the segments of a run add up.
    """
    like = history.initial
    samples, width = queries.values(like).shape
    bounds = interval_bounds(history.steps, outputs.intervals)
    collectors = make_collectors(outputs, segment, history.steps, training.samples, like)
    measured = None if training.contraction.reduced else torch.zeros(())
    lengths = torch.zeros(2, dtype=torch.float64, device=like.device)
    steps = backward_steps(history, regularisation, segment.start, segment.warm_up)
    steps = progress(steps, "explain", segment.warm_up - segment.start)
    for step, derivative in queries.along(steps):
        psi = adjoint.step(step.block, step.number, derivative)
        if step.number >= segment.stop:
            continue
        lengths += torch.stack([step.start.norm(), step.parts[0].norm()])
        if measured is None:
            measured = _precision_error(training, psi, step)
        batch = step.batch, step.weights, step.clip, step.passes
        by_interval = _by_interval(
            training.contract(psi, step.start, step.number, *batch, outputs.by_component),
            derivative.change.numel(),
        )
        split = outputs.splits_adjoint
        explained = ExplainedStep(
            number=step.number,
            derivative=derivative,
            parts=step.parts,
            batch=step.batch,
            influence=by_interval.sum(0) if len(by_interval) > 1 else by_interval[0],
            by_interval=by_interval,
            intervals=adjoint.parts if split else [interval_of(bounds, step.number)],
            regularisation=_regularised(history, regularisation, step, psi, derivative),
        )
        for collector in collectors:
            collector.add(explained)
    arrays: dict[str, np.ndarray] = {}
    for collector in collectors:
        arrays |= collector.arrays((samples, width))
    assert measured is not None  # a segment has at least one step
    return Explanation(arrays, (samples, width), float(measured), lengths.cpu().numpy())


def _by_interval(
    contracted: Float[Tensor, "component batch part"], queries: int
) -> Float[Tensor, "interval component batch query"]:
    """The parts of the adjoint, one after the other in memory, on an axis of their own."""
    parts = contracted.shape[2] // queries
    return torch.stack(contracted.chunk(parts, dim=2)) if parts > 1 else contracted[None]


def _precision_error(training: TrainingSide, psi: GradientAdjoint, step: Step) -> Float[Tensor, ""]:
    """What reduced precision changes in the influence of one step."""
    batch = step.batch, step.weights, step.clip, step.passes
    reduced, exact = (
        side.contract(psi, step.start, step.number, *batch, by_component=False)
        for side in (training, training.exact())
    )
    return reduction_error(reduced, exact)


def _regularised(
    history: History,
    regularisation: RegularisationMotion,
    step: Step,
    psi: GradientAdjoint,
    derivative: StepDerivative,
) -> Float[Tensor, " query"]:
    """Contribution of regularisation at this gradient step: `<psi, e_s> - dec <abar, theta>`."""
    queries = derivative.change.numel()
    part = step.start.new_zeros(queries, dtype=torch.float64)
    if history.uses("decoupled"):
        decoupled = history.coefficient("decoupled", step.number)
        shrunk = (decoupled * step.start.double()).to(step.start.dtype)
        part -= derivative.matrix @ shrunk
    added = regularisation.gradient(step.block, step.number)
    if isinstance(added, Tensor):
        through = psi.factor * (psi.matrix @ added).double()
        part = part + through.reshape(-1, queries).sum(0)
    return part
