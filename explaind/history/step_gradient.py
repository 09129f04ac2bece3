"""Which samples a step is taken along, with which weights; and whether nothing else is in it."""

import logging
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from jaxtyping import Float64, Int
from torch import Tensor, nn

from explaind.errors import RecordingError
from explaind.history.accumulation import Accumulation, Part, unscaling
from explaind.history.batches import Batch
from explaind.history.gradient_check import Loss, is_due, mismatch
from explaind.history.guards import (
    check_gradient_of_one,
    check_repeatable,
    check_separable_loss,
    left_alone,
)
from explaind.history.loss_weights import sample_weights
from explaind.history.state import TrainingState
from explaind.trees import copied, on_device, rows_of

logger = logging.getLogger(__name__)

NAMED_TOLERANCE = 1e-6
"""Relative difference within which weights are those of the named reduction."""

MULTIPLIED = ((0, 0), (1, 0), (1, 1))
"""What a penalty may be multiplied by: powers of what the gradient was since the backward pass, and
of what the losses were before it. As it is, or scaled and unscaled with the losses; clipped with
the whole gradient; both."""


class StepGradient:
    """The gradient of the coming step as a weighted sum over samples.

    Args:
        state: model and optimizer.
        loss: what the loss of the loop is made of.
        mean: whether the loop averages the losses of a batch; else it sums them.
        repeated: whether steps are repeated from what is recorded, so that only one backward pass
            of the loss as it was named will do.

    Attributes:
        accumulated: what was seen of the gradient so far.
    """

    def __init__(self, state: TrainingState, loss: Loss, mean: bool, repeated: bool) -> None:
        self.accumulated = Accumulation(state.model, state.parameters)
        self._state, self._loss, self._mean, self._repeated = state, loss, mean, repeated
        self._drawn = 0  # batches for the coming step
        self._checked = False  # model, loss and gradient, at the first step
        known = MULTIPLIED if loss.penalty is not None else MULTIPLIED[:1]
        self._multiplied: tuple[tuple[int, int], ...] = known

    @property
    def exists(self) -> bool:
        """Whether any tensor has a gradient; torch takes no step without."""
        return any(p.grad is not None for p in self._state.parameters.values())

    def draw(self, batch: Batch, step: int) -> None:
        """Note that the loop was given a batch for the coming step."""
        self._drawn += 1
        if self._due(step):  # a copy for the checks: a model may change its inputs in place
            batch = replace(batch, x=copied(batch.x))
        self.accumulated.batch = batch

    def clip(self, max_norm: float, step: int) -> Tensor:
        """Clip the gradients as torch does, and note the factor.

        Args:
            max_norm: largest allowed norm.
            step: the step, for the message.

        Returns:
            The norm before.

        Raises:
            RecordingError: at the second call for a step of a checkpointed history.
        """
        gradient = self.accumulated
        if self._repeated and gradient.max_norm != math.inf:
            raise RecordingError(
                f"The gradient of step {step} is clipped a second time; expected once in a"
                " checkpointed history. Clip to the smaller norm, or record with every=1."
            )
        norm = nn.utils.clip_grad_norm_(self._state.parameters.values(), max_norm)
        factor = torch.clamp(max_norm / (norm + 1e-6), max=1.0)  # as torch computes it
        gradient.clip *= float(factor)
        gradient.max_norm = float(max_norm)
        return norm

    def spend(self) -> None:
        """Forget the gradient: a step was taken with it."""
        self.accumulated.clear(spent=True)
        self._drawn, self._checked = 0, True

    def samples(self, step: int) -> tuple[Int[Tensor, " batch"], Float64[Tensor, " batch"]]:
        """The samples of the step about to be taken, after the checks that are due.

        Args:
            step: the step.

        Returns:
            Their indices and weights `w_{s,i}` before clipping.

        Raises:
            RecordingError: if the gradient is not that of the loss, or a checkpointed history could
                not repeat the step.
        """
        parts = self.parts(step)
        if not self._checked:
            self._check_model(parts[0].batch, step)
        losses = torch.cat(
            [sample_weights(p, self._loss.loss_fn, self._named(p), step) for p in parts]
        )
        sizes = torch.tensor([len(part.batch.index) for part in parts])
        each = torch.tensor([self._named(part) for part in parts], dtype=torch.float64)
        named = each.repeat_interleave(sizes)
        scale = self.accumulated.scale(self._state.optimizer)
        clip = self._clip_of_penalty(parts, scale, float(losses.sum() / named.sum()))
        scale, self.accumulated.clip = scale / clip, clip * self.accumulated.clip
        weights = scale * losses
        if torch.allclose(weights, named, rtol=NAMED_TOLERANCE, atol=0.0):
            weights = named
        single = len(parts) == 1 and not parts[0].summed
        if self._repeated and not (single and weights is named and clip == 1):
            raise RecordingError(
                f"Step {step} is not one backward pass of loss_fn(model(x), y)"
                f".{'mean' if self._mean else 'sum'}(), as a checkpointed history repeats it:"
                f" {len(parts)} batch(es), weights from {float(weights.min()):.3g} to"
                f" {float(weights.max()):.3g}, times {clip:.3g}. Record with every=1, or"
                " change the loop."
            )
        if self._due(step):
            self._check_gradient(parts, scale, step)
        return torch.cat([part.batch.index.cpu() for part in parts]), weights

    def parts(self, step: int) -> list[Part]:
        """The forward passes that the gradient came from.

        Args:
            step: the step, for messages.

        Returns:
            Those seen; that of the one batch drawn if none was seen (in a compiled model, say).

        Raises:
            RecordingError: if no batch was drawn, or several and no forward pass was seen.
        """
        seen, batch = self.accumulated.parts, self.accumulated.batch
        if not seen and (batch is None or self._drawn == 0):
            raise RecordingError(
                f"Step {step} has no batch: since the step before, none was drawn and no backward"
                " pass through the model was seen. Draw batches through recorder.batches(loader)"
                " or recorder.step_of(index, x, y), and call the model that is recorded."
            )
        if not seen and self._drawn > 1:
            raise RecordingError(
                f"{self._drawn} batches were drawn for step {step}, and no call of the model was"
                " seen that tells which of them count. Call the model itself, not compiled, or draw"
                " one batch for each step."
            )
        assert batch is not None  # where something was seen, something was drawn
        return seen or [Part(batch, None, [])]

    def _due(self, step: int) -> bool:
        return not self._checked or is_due(step)

    def _named(self, part: Part) -> float:
        """The weight of a sample by the reduction that the user named."""
        return 1.0 / len(part.batch.index) if self._mean else 1.0

    def _check_model(self, batch: Batch, step: int) -> None:
        """Refuse a model or a loss that cannot be explained sample by sample."""
        device = next(iter(self._state.parameters.values())).device
        x, y = on_device(rows_of(batch.x, 0, 3), device), on_device(batch.y, device)
        with self.accumulated.paused(), left_alone(self._state.model):
            check_repeatable(self._state.model, self._loss.forward, x, step)
            check_separable_loss(self._loss.forward, self._loss.loss_fn, x, y)
            parameters, loss_fn = self._state.parameters, self._loss.loss_fn
            check_gradient_of_one(self._loss.forward, parameters, loss_fn, x, y)

    def _clip_of_penalty(self, parts: list[Part], scale: float, losses: float) -> float:
        """What the penalty was multiplied by, but for clipping through the recorder.

        It is found out where it matters: at the first step at which the ways give other numbers.

        Args:
            parts: the forward passes that the gradient came from.
            scale: what the gradient was multiplied by since.
            losses: what the losses were multiplied by before, on average.

        Returns:
            The factor; 1 without a penalty.
        """
        factors = [scale**after * losses**before for after, before in self._multiplied]
        if max(factors) - min(factors) > NAMED_TOLERANCE * max(factors):
            clip, ways = self.accumulated.clip, zip(self._multiplied, factors, strict=True)
            fitting = [
                (way, f) for way, f in ways if f and not self._mismatch(parts, scale / f, clip * f)
            ]
            if fitting:
                self._multiplied = tuple(way for way, _ in fitting)
                factors = [factor for _, factor in fitting]
        return 1.0 if abs(factors[0] - 1.0) <= NAMED_TOLERANCE else factors[0]

    def _mismatch(self, parts: list[Part], scale: float, clip: float) -> str | None:
        """What differs between the gradient and that of the loss; None if nothing does."""
        accumulated, parameters = self.accumulated, self._state.parameters
        with accumulated.paused(), left_alone(self._state.model):
            weighted = [(part, self._named(part)) for part in parts]
            own = self._loss.gradient(weighted, parameters, scale, clip)
        factor = unscaling(self._state.optimizer)
        return mismatch(own, parameters, factor, accumulated.autocast)

    def _check_gradient(self, parts: list[Part], scale: float, step: int) -> None:
        """Compare the gradient with that of the loss.

        Args:
            parts: the forward passes it came from.
            scale: what it was multiplied by since.
            step: the step.

        Raises:
            RecordingError: if they differ at the first step; later a training is not lost for it.
        """
        found = self._mismatch(parts, scale, self.accumulated.clip)
        if found is None:
            return
        if not self._checked:
            raise RecordingError(f"The gradient of step {step} {found}")
        logger.warning("The gradient of step %d %s", step, found)


def when_made(
    look: Callable[[], None], args: tuple[Any, ...], options: dict[str, Any]
) -> tuple[Any, Any] | None:
    """Call a function when the gradient of a step is there, but the step not yet taken.

    Args:
        look: the function.
        args: what `optimizer.step` was called with, the optimizer first.
        options: the same by name.

    Returns:
        With what to call it instead, if a closure makes the gradient.
    """
    closure = args[1] if len(args) > 1 else options.get("closure")
    if closure is None:
        look()
        return None

    def looked_at() -> Any:
        loss = closure()
        look()
        return loss

    return args[:1], options | {"closure": looked_at}
