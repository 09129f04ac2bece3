"""Is the gradient that a loop steps along that of its loss? Looked at first, and now and then."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from explaind.errors import RecordingError
from explaind.history.accumulation import Part
from explaind.history.random_state import replayed
from explaind.trees import Inputs, LossFunction, Outputs, Penalty, leaves, on_device

TOLERANCE = {"cpu": 1e-4}
"""Largest relative difference of two gradients by the same operations, by device."""

TOLERANCE_ELSEWHERE = 1e-3
"""The same where operations may be rounded to TF32 or add up in random order."""

HALF_TOLERANCE = 0.1
"""The same between half and single precision."""

PARALLEL = 0.99
"""Cosine from which on two vectors count as parallel."""

NUMBERS_AT_ONCE = 2**16
"""Numbers of a tensor that are compared at once: what passes through the processor's cache."""

LONGEST_APART = 64
"""Most steps between two that are looked at; each takes about as long as a step of training."""


def is_due(step: int) -> bool:
    """Return whether the gradient of a step is looked at: of 0, 1, 2, 4, ... 64, 128, 192, ..."""
    return step % LONGEST_APART == 0 or step.bit_count() == 1


@dataclass(frozen=True)
class Loss:
    """What the loss of a loop is made of.

    Attributes:
        forward: the model, inputs to outputs.
        loss_fn: per-sample losses.
        penalty: what the loop adds to them, if anything.
    """

    forward: Callable[[Inputs], Outputs]
    loss_fn: LossFunction
    penalty: Penalty | None

    @torch.enable_grad()
    def gradient(
        self,
        parts: Iterable[tuple[Part, float]],
        parameters: Mapping[str, nn.Parameter],
        scale: float,
        clip: float,
    ) -> list[Tensor]:
        """Work out the gradient in single precision from what came back to the outputs.

        Args:
            parts: forward passes, with the weight of their samples where nothing was seen of them.
            parameters: the trained tensors by name.
            scale: what their gradients were multiplied by, without clipping.
            clip: the clipping factor.

        Returns:
            The gradient, tensor by tensor.

        Raises:
            RecordingError: if the loop calls the model in another way.
        """
        members = list(parameters.values())
        device = members[0].device
        total: list[Tensor | None] = [None] * len(members)
        with _in_single_precision(device.type):
            for part, weight in parts:
                with replayed(part.draws.get("forward"), device):
                    output = self.forward(on_device(part.batch.x, device))
                if part.gradients:
                    found = leaves(output)
                    if len(found) != len(part.gradients):
                        raise RecordingError(
                            f"The loop gets {len(part.gradients)} values of the model, and"
                            f" {len(found)} come of calling it with the inputs of the batch. Give"
                            " record and PathKernel forward=, the way in which the loop calls it"
                            " (with labels, say)."
                        )
                    heads = [
                        (leaf, g.to(leaf.dtype))
                        for leaf, g in zip(found, part.gradients, strict=True)
                        if g is not None
                    ]
                else:
                    losses = self.loss_fn(output, on_device(part.batch.y, device))
                    heads = [(losses, torch.full_like(losses, weight))]
                _add(total, _gradients(heads, members), scale * clip)
            if self.penalty is not None:
                value = self.penalty(dict(parameters))
                _add(total, _gradients([(value, torch.ones_like(value))], members), clip)
        pairs = zip(total, members, strict=True)
        return [torch.zeros_like(m) if found is None else found for found, m in pairs]


def mismatch(
    own: list[Tensor],
    parameters: Mapping[str, nn.Parameter],
    factor: float,
    autocast: torch.dtype | None,
) -> str | None:
    """Compare a gradient with the one that lies in `.grad`.

    Args:
        own: what `Loss.gradient` returned.
        parameters: the trained tensors by name.
        factor: what the optimizer multiplies the gradient by before anything else.
        autocast: type that the loop computed in.

    Returns:
        What differs and the likely cause; None if nothing does.
    """
    members = parameters.values()
    found = [m.grad if m.grad is not None else torch.zeros_like(m) for m in members]
    found = [_times(g.to_dense() if g.is_sparse else g, factor) for g in found]
    scale = max(_norm(found), _norm(own))
    if not math.isfinite(scale):
        return None  # the step itself is refused
    device = found[0].device.type
    tolerance = TOLERANCE.get(device, TOLERANCE_ELSEWHERE) if autocast is None else HALF_TOLERANCE
    error = _distance(found, own) / (scale or 1.0)
    if error <= tolerance:
        return None
    return (
        f"differs from that of loss_fn by {error:.1e} of its length: {_cause(own, found, members)}"
    )


def _cause(own: list[Tensor], found: list[Tensor], members: Iterable[Tensor]) -> str:
    """Guess what was done to a gradient."""
    factors = [_dot([f], [o]) / (_dot([o], [o]) or 1.0) for f, o in zip(found, own, strict=True)]
    scaled = [factor * o for factor, o in zip(factors, own, strict=True)]
    difference = [f - o for f, o in zip(found, own, strict=True)]
    left = [f - s for f, s in zip(found, scaled, strict=True)]
    if _norm(left) <= (1.0 - PARALLEL) * _norm(difference):
        return (
            "every tensor is a multiple of it. Was it clipped or scaled, as a whole or some tensors"
            " apart? Clip all together with recorder.clip_grad_norm_."
        )
    theta = [member.detach() for member in members]
    cosine = _dot(difference, theta) / ((_norm(difference) * _norm(theta)) or 1.0)
    if cosine > PARALLEL:
        strength = _dot(difference, theta) / _dot(theta, theta)
        return (
            f"what is more is {strength:.2g} times the parameters, an L2 penalty. Give penalty= to"
            " record and to PathKernel, or use the optimizer's weight_decay."
        )
    return (
        "the loop's loss has another part (a penalty: give penalty= to record and to PathKernel;"
        " a loss of the parameters, of hidden layers or of a second forward pass), gradients were"
        " changed after backward, the model was given another batch than the one drawn last (by a"
        " loop that draws ahead), or it computes something else when it is called again."
    )


def _in_single_precision(device: str) -> AbstractContextManager[Any]:
    """Switch autocast off where it is on, in a closure say."""
    on = torch.is_autocast_enabled(device)
    return torch.autocast(device, enabled=False) if on else nullcontext()


def _gradients(
    heads: list[tuple[Tensor, Tensor]], members: list[nn.Parameter]
) -> list[Tensor | None]:
    """Gradients by all members; None by those that are frozen meanwhile, or not depended on."""
    outputs, vectors = ([pair[number] for pair in heads] for number in (0, 1))
    trained = [member for member in members if member.requires_grad]
    found = iter(torch.autograd.grad(outputs, trained, vectors, allow_unused=True))
    return [next(found) if member.requires_grad else None for member in members]


def _add(total: list[Tensor | None], gradients: list[Tensor | None], factor: float) -> None:
    for place, gradient in enumerate(gradients):
        if gradient is not None:
            term = _times(gradient.to_dense() if gradient.is_sparse else gradient, factor)
            before = total[place]
            total[place] = term if before is None else before + term


def _times(tensor: Tensor, factor: float) -> Tensor:
    return tensor if factor == 1.0 else factor * tensor


def _dot(a: list[Tensor], b: list[Tensor]) -> float:
    pieces = zip(_pieces(a), _pieces(b), strict=True)
    return float(torch.stack([torch.dot(x, y).double() for x, y in pieces]).sum())


def _norm(a: list[Tensor]) -> float:
    return math.sqrt(_dot(a, a))


def _distance(a: list[Tensor], b: list[Tensor]) -> float:
    """Norm of the difference, of which no more than a piece is ever there."""
    differences = (x - y for x, y in zip(_pieces(a), _pieces(b), strict=True))
    squares = [torch.dot(piece, piece).double() for piece in differences]
    return math.sqrt(float(torch.stack(squares).sum()))


def _pieces(tensors: list[Tensor]) -> Iterator[Tensor]:
    """Flat pieces of tensors; their sums are added in double precision."""
    for tensor in tensors:
        yield from tensor.reshape(-1).split(NUMBERS_AT_ONCE)  # type: ignore[no-untyped-call]
