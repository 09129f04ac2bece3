"""The weight of every sample in the loss of a loop, read off what came back to the model's output.

With `G_i` the gradient of the loop's loss by the output of sample `i`, and `d_i` that of its own
loss, `G_i = w_i d_i`. So a mean, a sum, a mean weighted by class or by token, one over all
micro-batches of a step and a loss scaled for half precision are told apart without a word from the
user, and a loss that is none of these is found out.
"""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from explaind.errors import RecordingError
from explaind.history.accumulation import Part
from explaind.trees import LossFunction, leaves, on_device, replace_leaves

ROUNDING = 16
"""Roundings of single or double precision within which two gradients by an output are the same."""

SINGLE_BYTES = 4

LOSS_TOLERANCE = 1e-3
"""Largest relative difference between `G_i` and `w_i d_i`, if the type is not coarser."""


class _Rows(NamedTuple):
    """Both gradients by one leaf of the output, a row for each sample.

    Attributes:
        got: `G`, what came back.
        own: `d`, the gradient of the losses themselves.
    """

    got: Float[Tensor, "row number"]
    own: Float[Tensor, "row number"]


def sample_weights(
    part: Part, loss_fn: LossFunction, expected: float, step: int
) -> Float64[Tensor, " batch"]:
    """The weights of the samples of a forward pass.

    Args:
        part: the forward pass and what came back to its output.
        loss_fn: per-sample losses.
        expected: weight by the reduction that the user named; taken exactly where it fits.
        step: the step, for messages.

    Returns:
        The weights, on the CPU; `expected` where nothing that came back is finite.

    Raises:
        RecordingError: if the loss is no weighted sum of per-sample losses.
    """
    samples = len(part.batch.index)
    uniform = torch.full((samples,), expected, dtype=torch.float64)
    if not part.gradients:  # nothing was seen of them
        return uniform
    pieces, loss_eps = _gradients(part, loss_fn, samples)
    if not pieces:
        raise RecordingError(
            f"What the loss of step {step} sent back to the output of the model is nothing that"
            " loss_fn depends on. Expected loss_fn(model output, targets) of the training loop."
        )
    gg = _summed(piece.got * piece.got for piece in pieces)
    gd = _summed(piece.got * piece.own for piece in pieces)
    dd = _summed(piece.own * piece.own for piece in pieces)
    if not bool((gg + dd).isfinite().all()):
        return uniform
    rounding = ROUNDING * max(loss_eps, *(torch.finfo(piece.own.dtype).eps for piece in pieces))
    # probabilities are rounded like 1, whatever is left of them in `p - 1`
    floor = rounding * sum(piece.got.shape[1] for piece in pieces) ** 0.5
    rounding += _coarsest(part)
    pooled = float(gd.sum() / dd.sum()) if bool(dd.any()) else expected
    for weight in (expected, pooled):
        allowed = abs(weight) * (rounding * dd.sqrt() + floor)
        if bool((_misfit(pieces, torch.full_like(gg, weight)) <= allowed).all()):
            return torch.full_like(uniform, weight)
    weights = torch.where(dd > floor**2, gd / dd, pooled)
    misfit = _misfit(pieces, weights)
    excess = misfit - max(LOSS_TOLERANCE, rounding) * gg.sqrt() - abs(weights) * floor
    if bool((excess > 0).any()):
        worst = int(excess.argmax())
        raise RecordingError(
            f"The loss of step {step} is no weighted sum of loss_fn(model(x), y): what it sends"
            f" back to the output for sample {int(part.batch.index[worst])} is no multiple of what"
            f" loss_fn sends (relative difference {float(misfit[worst] / gg[worst].sqrt()):.1e})."
            " Give record the loss of the loop, with its label smoothing, targets and class"
            " weights, and draw no batch ahead of the one in work; losses of other outputs or"
            " samples cannot be explained."
        )
    return weights.expand(samples).clone()


@torch.enable_grad()
def _gradients(part: Part, loss_fn: LossFunction, samples: int) -> tuple[list[_Rows], float]:
    """Both gradients by the leaves that the loss depends on; one row if no sample axis is first.

    Args:
        part: the forward pass and what came back to its output.
        loss_fn: per-sample losses.
        samples: how many there are.

    Returns:
        The gradients; and the rounding of the coarser of both losses, that of the loop as far as
        the model itself returned it: a model in double precision may take it in single precision.

    Raises:
        RecordingError: if the loss fails.
    """
    came_back = {place: g for place, g in enumerate(part.gradients) if g is not None}
    values = leaves(part.output)
    heads = {place: _precise(values[place]).requires_grad_(True) for place in came_back}
    output = replace_leaves(
        part.output, [heads.get(place, value) for place, value in enumerate(values)]
    )
    device = next(iter(heads.values())).device
    try:
        losses = loss_fn(output, on_device(part.batch.y, device))
    except Exception as error:
        raise RecordingError(
            "loss_fn does not take the output of the model with the targets of the batch drawn last"
            f" ({type(error).__name__}: {error}). Expected loss_fn(model output, targets) of the"
            " training loop, called with a batch before the next one is drawn."
        ) from error
    own = torch.autograd.grad(losses.sum(), list(heads.values()), allow_unused=True)
    pairs = [(g, d) for g, d in zip(came_back.values(), own, strict=True) if d is not None]
    by_sample = all(got.shape[:1] == (samples,) for got, _ in pairs)
    rows = samples if by_sample else 1
    types = {losses.dtype, part.loss_dtype or losses.dtype}
    rounding = max(torch.finfo(t).eps for t in types if t.itemsize >= SINGLE_BYTES)
    return [_Rows(_numbers(got, rows), _numbers(own, rows)) for got, own in pairs], rounding


def _numbers(gradient: Tensor, rows: int) -> Float[Tensor, "row number"]:
    """A gradient as a matrix that can be multiplied without losing digits."""
    return _precise(gradient).reshape(rows, -1)


def _precise(tensor: Tensor) -> Tensor:
    """The values in single precision at least, as autocast computes a loss."""
    return tensor.detach().float() if tensor.dtype.itemsize < SINGLE_BYTES else tensor.detach()


def _coarsest(part: Part) -> float:
    """Relative rounding of what came back in half precision; 0 without any."""
    types = {g.dtype for g in part.gradients if g is not None}
    return max((torch.finfo(t).eps for t in types if t.itemsize < SINGLE_BYTES), default=0.0)


def _summed(pieces: Iterator[Float[Tensor, "row number"]]) -> Float64[Tensor, " row"]:
    """Sums of the rows over all leaves, on the CPU."""
    return torch.stack([leaf.sum(1, dtype=torch.float64).cpu() for leaf in pieces]).sum(0)


def _misfit(pieces: list[_Rows], weights: Float64[Tensor, " row"]) -> Float64[Tensor, " row"]:
    """`|G_i - w_i d_i|` by row."""
    return _summed(
        (leaf.got - weights.to(leaf.own)[:, None] * leaf.own).square() for leaf in pieces
    ).sqrt()
