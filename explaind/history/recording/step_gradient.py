"""Which samples a step is taken along, with which weights; and whether nothing else is in it."""

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from jaxtyping import Float64
from torch import Tensor, nn

from explaind.errors import RecordingError, UnsupportedError
from explaind.history.accumulation import Accumulation, Part, unscaling
from explaind.history.batches import Batch
from explaind.history.guards import (
    check_dropout,
    check_gradient_of_one,
    check_repeatable,
    check_separable_loss,
    left_alone,
)
from explaind.history.random_state import in_mode
from explaind.history.recording.gradient_check import Loss, is_due, mismatch
from explaind.history.recording.loss_weights import sample_weights
from explaind.history.recording.repeated_loss import exact_factor, exact_weights
from explaind.history.state import TrainingState
from explaind.trees import copied, on_device, rows_of

StepHook = Callable[
    [torch.optim.Optimizer, tuple[Any, ...], dict[str, Any]],
    tuple[tuple[Any, ...], dict[str, Any]] | None,
]
"""What torch calls before a step, with its arguments; returns others in their place, or None."""

logger = logging.getLogger(__name__)

RANDOM_IN_EVALUATION = (
    "the model draws random numbers in evaluation mode, too: its outputs cannot be explained. Leave"
    " the noise out there (if self.training)"
)

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
        self._training: list[str] | None = None  # modules in training mode in passes that draw
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
        if self._repeated and gradient.clip != 1.0:
            raise RecordingError(
                f"The gradient of step {step} is clipped a second time; expected once in a"
                " checkpointed history. Clip to the smaller norm, or record with every=1."
            )
        norm = nn.utils.clip_grad_norm_(self._state.parameters.values(), max_norm)
        factor = torch.clamp(max_norm / (norm + 1e-6), max=1.0)  # as torch computes it
        gradient.clip *= float(factor)
        return norm

    def spend(self) -> None:
        """Forget the gradient: a step was taken with it."""
        self.accumulated.clear(spent=True)
        self._drawn, self._checked = 0, True

    def samples(self, step: int) -> tuple[list[Part], Float64[Tensor, " batch"]]:
        """The samples of the step about to be taken, after the checks that are due.

        Args:
            step: the step.

        Returns:
            The forward passes that they were in, and their weights `w_{s,i}` before clipping. A
            gradient that is not that of the loss is refused (`RecordingError`).
        """
        parts = self.parts(step)
        if not self._checked:
            self._check_model(parts[0], step)
        self._check_mode(parts, step)
        losses = torch.cat(
            [sample_weights(p, self._loss.loss_fn, self._named(p), step) for p in parts]
        )
        sizes = torch.tensor([len(part.batch.index) for part in parts])
        each = torch.tensor([self._named(part) for part in parts], dtype=torch.float64)
        named = each.repeat_interleave(sizes)
        scale = self.accumulated.scale(self._state.optimizer)
        clip = self._clip_of_penalty(parts, scale, float(losses.sum() / named.sum()))
        if self._repeated and self._loss.penalty is None and not _same(scale * losses, named):
            clip = scale  # a replay multiplies the gradient, as was done
        scale /= clip
        weights = scale * losses
        if _same(weights, named):
            weights = named
        single = len(parts) == 1 and not parts[0].summed
        if not (single and weights is named):
            weights = self._exact(parts, weights, scale, step)
        self.accumulated.clip *= self._exact_clip(clip, step) if self._repeated else clip
        if self._due(step):
            self._check_gradient(parts, scale, step)
        return parts, weights

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
                " or recorder.step_of(index, x, y), and call the model that is recorded. A Trainer"
                " of Lightning or Hugging Face takes a callback of explaind.integrations."
            )
        if not seen and self._drawn > 1:
            raise RecordingError(
                f"{self._drawn} batches were drawn for step {step}, and no call of the model was"
                " seen that tells which of them count. Call the model itself, not compiled, or draw"
                " one batch for each step."
            )
        assert batch is not None  # where something was seen, something was drawn
        return seen or [Part(batch, None, [], batch.draws)]

    def _exact(
        self, parts: list[Part], weights: Float64[Tensor, " batch"], scale: float, step: int
    ) -> Float64[Tensor, " batch"]:
        """The weights of a step that is not one mean or sum as it was named.

        Args:
            parts: its forward passes.
            weights: the weights as they were read off.
            scale: what the gradients were multiplied by since.
            step: the step.

        Returns:
            The weights, exact where they repeat the step bit for bit; else as they were read off.

        Raises:
            RecordingError: if the step has to be repeated and cannot be.
        """
        plain = scale == 1.0 and self._loss.penalty is None
        exact = exact_weights(parts, weights, self._loss.loss_fn) if plain else None
        if exact is None and not self._repeated:
            return weights
        if exact is None:
            raise RecordingError(
                f"Step {step} is not made of backward passes of loss_fn(model(x), y), one for each"
                " batch and all samples of it with the same weight, without a penalty, as a"
                f" checkpointed history repeats it: {len(parts)} batch(es), weights from"
                f" {float(weights.min()):.3g} to {float(weights.max()):.3g}. It must come bit for"
                " bit by the operations of loss_fn: give those of the loop, the classes on the"
                " same axis, in the same floating type (of causal models of transformers"
                " explaind.integrations.huggingface.causal_lm_loss). Else record with every=1, or"
                " change the loop."
            )
        return exact

    def _exact_clip(self, clip: float, step: int) -> float:
        """The factor of a clipping outside of the recorder, to repeat it by.

        Args:
            clip: the factor as it was read off.
            step: the step.

        Returns:
            The factor, exact.

        Raises:
            RecordingError: if not one multiplication gives the very gradient.
        """
        exact = 1.0 if clip == 1.0 else exact_factor(self.accumulated.kept(), clip)
        if exact is None or clip != 1.0 != self.accumulated.clip:
            raise RecordingError(
                f"The gradient of step {step} was multiplied by {clip:.6g} between backward and"
                " step, not at once and by one number for all tensors, as a checkpointed history"
                " repeats it. Clip once, by torch.nn.utils.clip_grad_norm_ of all parameters, or"
                " record with every=1."
            )
        return exact

    def _due(self, step: int) -> bool:
        return not self._checked or is_due(step)

    def _named(self, part: Part) -> float:
        """The weight of a sample by the reduction that the user named."""
        return 1.0 / len(part.batch.index) if self._mean else 1.0

    def _check_model(self, part: Part, step: int) -> None:
        """Refuse a model or a loss that cannot be explained sample by sample.

        Args:
            part: a forward pass of the step.
            step: the step.

        Raises:
            UnsupportedError: if the model draws random numbers and no call of it was seen.
        """
        device = self._state.device
        x, y = on_device(rows_of(part.batch.samples, 0, 3), device)
        with self.accumulated.paused(), left_alone(self._state.model):
            drawing = check_repeatable(self._state.model, self._loss.forward, x, step)
            if drawing and "forward" not in part.draws:
                raise UnsupportedError(
                    f"The forward pass draws random numbers at step {step} (dropout, noise), and no"
                    " call of the model was seen that tells which (is it compiled?). Call the model"
                    " itself, or call .eval() on it before training."
                )
            parameters, loss_fn = self._state.parameters, self._loss.loss_fn
            state, mode = part.draws.get("forward"), None
            if part.batch.apart is not None and drawing:
                # alone, no sample would draw what it does among the others
                state, mode = None, ()
            with in_mode(self._state.model, mode):
                check_separable_loss(self._loss.forward, loss_fn, x, y, state)
            check_gradient_of_one(self._loss.forward, parameters, loss_fn, x, y)
            with in_mode(self._state.model, ()):
                if drawing and check_repeatable(self._state.model, self._loss.forward, x, step):
                    logger.warning(RANDOM_IN_EVALUATION)

    def _check_mode(self, parts: list[Part], step: int) -> None:
        """Refuse another mode than before, of what draws random numbers.

        Args:
            parts: the forward passes of the step.
            step: the step.

        Raises:
            RecordingError: naming a module.
        """
        if not self.accumulated.parts:
            check_dropout(self._state.model, step)
        for training in (part.training for part in parts if part.training is not None):
            self._training = training if self._training is None else self._training
            if changed := sorted(set(training) ^ set(self._training)):
                raise RecordingError(
                    f"Module '{changed[0]}' changed between training and evaluation mode before"
                    f" step {step}, in a model that draws random numbers. Expected the mode of the"
                    " first step in all of them."
                )

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


def _same(weights: Float64[Tensor, " batch"], named: Float64[Tensor, " batch"]) -> bool:
    return torch.allclose(weights, named, rtol=NAMED_TOLERANCE, atol=0.0)


def when_made(look: Callable[[torch.optim.Optimizer], None]) -> StepHook:
    """Have a function called when the gradient of a step is there, but the step not yet taken.

    Args:
        look: the function; it is given the optimizer.

    Returns:
        The hook of the optimizer that calls it; behind the closure, if one makes the gradient.
    """

    def hook(
        optimizer: torch.optim.Optimizer, args: tuple[Any, ...], options: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
        closure = args[1] if len(args) > 1 else options.get("closure")  # the optimizer is first
        if closure is None:
            look(optimizer)
            return None

        def looked_at() -> object:
            loss = closure()
            look(optimizer)
            return loss

        return args[:1], options | {"closure": looked_at}

    return hook
