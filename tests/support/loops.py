"""Loops as people write them, and the steps that each takes.

One list: tests try each, the generated cases combine them, and the documented table names them.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch.optim.lr_scheduler import ExponentialLR, OneCycleLR
from torch.optim.swa_utils import AveragedModel
from tqdm import tqdm

from tests.support.optimizers import FULL_ONLY

DRAWN = ((0, 3, 5), (1,), (4, 6, 4), (5, 7))
"""Samples of the batches of an epoch: one alone, one twice in a batch, one in none."""


@dataclass(frozen=True)
class Kind:
    """A kind of loop.

    Attributes:
        run: `(training, recorder)`, the loop.
        steps: numbers of the batches whose gradients make each step.
        share: what the loss of a batch is multiplied by.
        max_norm: what the gradient is clipped to.
        schedule: makes a schedule of the optimizer.
        single: whether every step is made of backward passes, one for each batch, and clipped at
            once, as a checkpointed history repeats it.
        momentum: whether the optimizer must have a momentum.
        copies: whether the loop copies the model.
        refused: what the refusal says, if it is refused.
    """

    run: Callable[[Any, Any], None]
    steps: tuple[tuple[int, ...], ...] = ((0,), (1,), (2,), (3,))
    share: float = 1.0
    max_norm: float | None = None
    schedule: Callable[[torch.optim.Optimizer], Any] | None = None
    single: bool = True
    momentum: bool = False
    copies: bool = False
    refused: str = ""

    @property
    def way(self) -> str:
        """Which histories it can be recorded in."""
        return "yes" if self.single else FULL_ONLY


def plain(training: Any, recorder: Any) -> None:
    """One step for each batch."""
    for batch in recorder.batches(training.loader):
        training.backward(batch)
        training.optimizer.step()
        training.optimizer.zero_grad()


def zeros_kept(training: Any, recorder: Any) -> None:
    """Gradients are set to zero, not to None, and before the backward pass."""
    for batch in recorder.batches(training.loader):
        training.optimizer.zero_grad(set_to_none=False)
        training.backward(batch)
        training.optimizer.step()


def accumulated(training: Any, recorder: Any) -> None:
    """The gradients of two batches add up."""
    for number, batch in enumerate(recorder.batches(training.loader)):
        (0.5 * training.loss_of(batch)).backward()
        if number % 2:
            training.penalise()
            training.optimizer.step()
            training.optimizer.zero_grad()


def twice(training: Any, recorder: Any) -> None:
    """The model is called twice on a batch, and each gradient counts half."""
    for batch in recorder.batches(training.loader):
        training.optimizer.zero_grad()
        for _ in range(2):
            (0.5 * training.loss_of(batch)).backward()
        training.penalise()
        training.optimizer.step()


def in_two_passes(training: Any, recorder: Any) -> None:
    """The loss of one call goes backward in two pieces."""
    for batch in recorder.batches(training.loader):
        training.optimizer.zero_grad()
        loss = training.whole_loss_of(batch)
        (0.25 * loss).backward(retain_graph=True)
        (0.75 * loss).backward()
        training.optimizer.step()


def put_by_hand(training: Any, recorder: Any) -> None:
    """The gradients are asked for and put into `.grad`."""
    for batch in recorder.batches(training.loader):
        training.optimizer.zero_grad()
        loss, trained = training.whole_loss_of(batch), training.trained
        for parameter, gradient in zip(
            trained, torch.autograd.grad(loss, trained, allow_unused=True), strict=True
        ):
            parameter.grad = gradient
        training.optimizer.step()


def left(training: Any, recorder: Any) -> None:
    """A batch is left, and so is one after its backward pass."""
    for number, batch in enumerate(recorder.batches(training.loader)):
        training.optimizer.zero_grad()
        if number == 1:
            continue
        training.backward(batch)
        if number == 2:
            continue
        training.optimizer.step()


def broken_off(training: Any, recorder: Any) -> None:
    """The loop ends after a batch is drawn, and begins anew."""
    for _ in range(2):
        for number, batch in enumerate(recorder.batches(training.loader)):
            if number == 2:
                break
            training.optimizer.zero_grad()
            training.backward(batch)
            training.optimizer.step()


def closure(training: Any, recorder: Any) -> None:
    """The optimizer calls for the gradient."""
    for batch in recorder.batches(training.loader):

        def gradient(batch: Any = batch) -> Any:
            training.optimizer.zero_grad()
            return training.backward(batch)

        training.optimizer.step(gradient)


def drawn_otherwise(training: Any, recorder: Any) -> None:
    """The loop draws its batches in its own way."""
    for indices in DRAWN:
        batch = recorder.step_of(torch.tensor(indices), *training.batch(indices))
        training.optimizer.zero_grad()
        training.backward(batch)
        training.optimizer.step()


def with_a_bar(training: Any, recorder: Any) -> None:
    """A progress bar around the loader, the loop numbered."""
    for _, batch in enumerate(recorder.batches(tqdm(training.loader, disable=True))):
        training.optimizer.zero_grad()
        training.backward(batch)
        training.optimizer.step()


def scaled(training: Any, recorder: Any) -> None:
    """The loss is scaled, and a step skipped whose gradient is infinite."""
    scaler = torch.amp.GradScaler("cpu", init_scale=8.0, growth_interval=2)
    for number, batch in enumerate(recorder.batches(training.loader)):
        training.optimizer.zero_grad()
        scaler.scale(training.whole_loss_of(batch)).backward()
        if number == 1:
            next(p for p in training.trained if p.grad is not None).grad.mul_(math.inf)
        scaler.step(training.optimizer)
        scaler.update()


def clipped(training: Any, recorder: Any) -> None:
    """The recorder clips."""
    for batch in recorder.batches(training.loader):
        training.optimizer.zero_grad()
        training.backward(batch)
        recorder.clip_grad_norm_(0.3)
        training.optimizer.step()


def clipped_by_torch(training: Any, recorder: Any) -> None:
    """Torch clips, with one norm for all."""
    for batch in recorder.batches(training.loader):
        training.optimizer.zero_grad()
        training.backward(batch)
        torch.nn.utils.clip_grad_norm_(training.trained, 0.3)
        training.optimizer.step()


def scheduled(training: Any, recorder: Any) -> None:
    """A schedule takes its steps."""
    for batch in recorder.batches(training.loader):
        training.optimizer.zero_grad()
        training.backward(batch)
        training.optimizer.step()
        training.schedule.step()


def watched(training: Any, recorder: Any) -> None:
    """The model is called on other data, with a graph, too, and averaged between steps."""
    averaged = AveragedModel(training.model)
    for batch in recorder.batches(training.loader):
        with torch.no_grad():
            training.output_of(training.batch((7, 6, 5)))
        training.output_of(training.batch((2,)))
        training.optimizer.zero_grad()
        training.backward(batch)
        training.optimizer.step()
        averaged.update_parameters(training.model)


def clipped_by_value(training: Any, recorder: Any) -> None:
    """Gradients are clipped number by number."""
    for batch in recorder.batches(training.loader):
        training.optimizer.zero_grad()
        training.backward(batch)
        largest = max(float(p.grad.abs().max()) for p in training.trained if p.grad is not None)
        torch.nn.utils.clip_grad_value_(training.trained, 0.2 * largest)
        training.optimizer.step()


def clipped_in_parts(training: Any, recorder: Any) -> None:
    """One tensor is clipped apart from the others."""
    for batch in recorder.batches(training.loader):
        training.optimizer.zero_grad()
        training.backward(batch)
        grads = [p.grad for p in training.trained if p.grad is not None and p.grad.any()]
        grads[0].mul_(0.5)
        training.optimizer.step()


def never_emptied(training: Any, recorder: Any) -> None:
    """Gradients are not set to zero between two steps."""
    for batch in recorder.batches(training.loader):
        training.backward(batch)
        training.optimizer.step()


@torch.no_grad()
def _shrink(parameters: list[torch.nn.Parameter]) -> None:
    for parameter in parameters:
        parameter.mul_(0.9)


def changed_outside(training: Any, recorder: Any) -> None:
    """Parameters are changed by something else than the optimizer."""
    for batch in recorder.batches(training.loader):
        training.optimizer.zero_grad()
        training.backward(batch)
        training.optimizer.step()
        _shrink(training.trained)


def unseen_batches(training: Any, recorder: Any) -> None:
    """The recorder is not told what is drawn."""
    for indices in DRAWN:
        training.optimizer.zero_grad()
        x, y = training.batch(indices)
        training.loss(training.output_of((x, y)), y).backward()
        training.optimizer.step()


class LessDecay:
    """A schedule of the weight decay.

    Args:
        optimizer: the optimizer whose decay it halves at every step.
    """

    def __init__(self, optimizer: torch.optim.Optimizer) -> None:
        self._groups = optimizer.param_groups

    def step(self) -> None:
        """Halve it."""
        for group in self._groups:
            group["weight_decay"] *= 0.5


LOOPS = {
    "one step for each batch": Kind(plain),
    "`zero_grad(set_to_none=False)` before the backward pass": Kind(zeros_kept),
    "gradients of several batches add up": Kind(accumulated, ((0, 1), (2, 3)), share=0.5),
    "two calls of the model for a batch": Kind(twice, ((0, 0), (1, 1), (2, 2), (3, 3)), share=0.5),
    "`backward(retain_graph=True)`, then the rest": Kind(in_two_passes, single=False),
    "`torch.autograd.grad`, put into `.grad`": Kind(put_by_hand),
    "batches that are left (`continue`)": Kind(left, ((0,), (3,))),
    "`break`, and begin anew": Kind(broken_off, ((0,), (1,), (0,), (1,))),
    "`optimizer.step(closure)`": Kind(closure),
    "`recorder.step_of(index, x, y)`": Kind(drawn_otherwise),
    "a progress bar around the loader": Kind(with_a_bar),
    "`GradScaler`, and a step that it skips": Kind(scaled, ((0,), (2,), (3,))),
    "`recorder.clip_grad_norm_`": Kind(clipped, max_norm=0.3),
    "`torch.nn.utils.clip_grad_norm_` of all": Kind(clipped_by_torch, max_norm=0.3),
    "a schedule of the learning rate": Kind(
        scheduled, schedule=lambda optimizer: ExponentialLR(optimizer, 0.7)
    ),
    "`OneCycleLR`, which changes the momentum, too": Kind(
        scheduled,
        schedule=lambda optimizer: OneCycleLR(optimizer, 0.1, total_steps=8),
        momentum=True,
    ),
    "a schedule of the weight decay": Kind(scheduled, schedule=LessDecay),
    "evaluation and a moving average between steps": Kind(watched, copies=True),
    "`clip_grad_value_`": Kind(clipped_by_value, refused="changed between backward and step"),
    "one tensor clipped apart": Kind(
        clipped_in_parts, refused="changed between backward and step|every tensor is a multiple"
    ),
    "gradients never emptied": Kind(
        never_emptied, refused="adds to the gradient of the step before"
    ),
    "parameters changed outside of the optimizer": Kind(
        changed_outside, refused="outside of optimizer.step"
    ),
    "batches that the recorder is not told of": Kind(unseen_batches, refused="has no batch"),
}
