"""The influence of parts of training samples: tokens of a sequence, each with its own loss.

The loss of a sample is the sum of its parts, so its influence is the sum of theirs:

    influence[q, i, t] = sum_s kappa_s w_{s,i} <psi_s[q], grad l_{i,t}(theta_s)>

(mathematics, section 10).

One derivative of all part losses along the adjoint of a query gives every part at once, however
many there are.
"""

import torch
from jaxtyping import Float, Float64, Int
from torch import Tensor

from explaind.errors import ConfigError
from explaind.history.forward_passes import ForwardPass
from explaind.history.replay.history import History
from explaind.history.replay.regularisation import RegularisationMotion
from explaind.kernel.collectors.training_axis import SampleSelection
from explaind.kernel.contraction.training_data import TrainingData
from explaind.kernel.functionals import ModelFunction
from explaind.kernel.gradients.linearised import LinearisedBatch
from explaind.kernel.query.queries import Queries
from explaind.kernel.trajectory.adjoint import GradientAdjoint, MomentumAdjoint
from explaind.kernel.trajectory.steps import Step, backward_steps
from explaind.log import progress
from explaind.trees import LossFunction

SUM_TOLERANCE = 1e-3
"""Largest difference of a loss and the sum of its parts, relative to the largest loss."""


class PartLosses:
    """Losses of the parts of training samples.

    Args:
        history: the recorded path.
        data: the training samples.
        losses: the loss of whole samples.
        part_losses: what it is the sum of, `(model output, targets) -> [batch, part]`.

    Raises:
        ConfigError: if it is not the sum of those at the first step.
    """

    def __init__(
        self,
        history: History,
        data: TrainingData,
        losses: ModelFunction,
        part_losses: LossFunction,
    ) -> None:
        self._layout, self._data = history.layout, data
        self._names = frozenset(slot.name for slot in history.layout.slots)
        self._function = losses.of(part_losses)
        params = history.layout.unflatten(history.initial)
        first = history.forward_passes(0)[0]
        batch = data.fetch(history.batch(0)[first.rows], 0, first.draws)
        state = first.draws.get("forward")
        whole, parts = (
            function.drawing(state)(params, *batch) for function in (losses, self._function)
        )
        if parts.shape[:-1] != whole.shape:
            raise ConfigError(
                f"part_losses: expected [batch, part] for {len(whole)} samples, got"
                f" {tuple(parts.shape)}."
            )
        difference = float((parts.sum(1) - whole).abs().max())
        if difference > SUM_TOLERANCE * float(whole.abs().max()):
            raise ConfigError(
                "part_losses: expected parts that add up to the training loss of each sample, with"
                f" all weights (1 / tokens of a mean, say); they differ by {difference:.2g} at the"
                " first step."
            )

    def contract(
        self, psi: GradientAdjoint, step: Step, slots: Int[Tensor, " kept"]
    ) -> Float64[Tensor, "kept part query"]:
        """Influence of every part of some samples of a batch on every query.

        Args:
            psi: adjoint of the gradient.
            step: the step.
            slots: the samples of its batch.

        Returns:
            `kappa_s w_{s,i} <psi_s[q], grad l_{i,t}(theta_s)>`.
        """
        pieces = []
        for one in step.passes:
            inside = (slots >= one.rows.start) & (slots < one.rows.stop)
            if inside.any():
                pieces.append(self._along(psi, step, one, slots[inside] - one.rows.start))
        along = torch.cat(pieces)
        weights = step.weights[slots].to(along.device)
        return step.clip * psi.factor * weights[:, None, None] * along

    def _along(
        self, psi: GradientAdjoint, step: Step, one: ForwardPass, rows: Int[Tensor, " kept"]
    ) -> Float64[Tensor, "kept part query"]:
        """Derivatives of the part losses of some samples of a forward pass along the adjoint."""
        index, state = step.batch[one.rows], one.draws.get("forward")
        if not one.draws:  # random numbers are those of the whole batch
            index, rows = index[rows], torch.arange(len(rows))
        batch = self._data.fetch(index, step.number, one.draws)
        function = self._function.drawing(state)
        linearised = LinearisedBatch(function, self._layout, self._names, step.start, *batch, 1.0)
        along = [linearised.along(self._layout.unflatten(row)).double() for row in psi.matrix]
        return torch.stack(along, -1)[rows.to(step.start.device)]


def explain_parts(
    history: History,
    regularisation: RegularisationMotion,
    queries: Queries,
    parts: PartLosses,
    axis: SampleSelection,
) -> Float[Tensor, "test output train part"]:
    """Explain the parts of some training samples over the whole run.

    Args:
        history: the recorded path.
        regularisation: the part of its motion due to regularisation.
        queries: the query side, averaging full gradients.
        parts: the losses of the parts.
        axis: the training samples.

    Returns:
        Their influence, float64; zero for samples in no batch.

    Raises:
        ConfigError: if none of the samples was trained on.
    """
    adjoint, total = MomentumAdjoint(history), None
    steps = backward_steps(history, regularisation)
    for step, derivative in queries.along(progress(steps, "explain parts", history.steps)):
        shape = derivative.change.shape
        psi = adjoint.step(step.block, step.number, derivative)
        slots, place = axis.find(step.batch)
        if slots is None or not len(slots):
            continue
        influence = parts.contract(psi, step, slots)
        if total is None:
            total = influence.new_zeros(len(axis), *influence.shape[1:])
        total.index_add_(0, place.to(total.device), influence)
    if total is None:
        raise ConfigError("train_samples: expected samples that were in a batch, got none.")
    return total.movedim(-1, 0).reshape(*shape, *total.shape[:2])
