"""The loss of a step as a checkpointed history repeats it, bit for bit.

A replay sends `w_i` back to the loss of every sample, forward pass by forward pass, as the loop did
by its mean or sum. Read off the gradient, a weight is known but for its last bits, which depend on
how the loop came to it (`loss.mean() / 4`, `loss.sum() / 32`). So those around it are tried, until
one sends back to the output of the model the very numbers that the loop sent. Full histories have
the same weights where such are found. The same for the number that the whole gradient was
multiplied by, to clip it.
"""

import numpy as np
import torch
from jaxtyping import Float64
from torch import Tensor

from explaind.history.accumulation import Part
from explaind.trees import LossFunction, leaves, on_device, replace_leaves

TRIED = 4
"""Neighbours of a number, on either side, that are tried."""


def exact_weights(
    parts: list[Part], weights: Float64[Tensor, " batch"], loss_fn: LossFunction
) -> Float64[Tensor, " batch"] | None:
    """Find weights that repeat exactly what was sent back to the outputs.

    Args:
        parts: the forward passes of a step.
        weights: the weights of their samples, as they were read off.
        loss_fn: per-sample losses.

    Returns:
        The weights, exact in the type of the losses; None if the samples of a pass differ in
        theirs, two passes went backward together, or one twice, or no weight repeats them.
    """
    if len({task for part in parts for task in part.backward}) != len(parts):
        return None
    found = []
    own_weights = torch.split(weights, [len(part.batch.index) for part in parts])
    for part, own in zip(parts, own_weights, strict=True):
        weight = None
        if len(part.backward) == 1 and bool((own == own[0]).all()):
            weight = _exact_weight(part, float(own[0]), loss_fn)
        if weight is None:
            return None
        found.append(torch.full_like(own, weight))
    return torch.cat(found)


@torch.enable_grad()
def _exact_weight(part: Part, weight: float, loss_fn: LossFunction) -> float | None:
    values = leaves(part.output)
    sent = {place: g for place, g in enumerate(part.gradients) if g is not None}
    heads = {place: values[place].detach().requires_grad_(True) for place in sent}
    output = replace_leaves(part.output, [heads.get(n, value) for n, value in enumerate(values)])
    device = next(iter(heads.values())).device
    losses = loss_fn(output, on_device(part.batch.y, device))
    for candidate in _around(weight, losses.dtype):
        vector = torch.full_like(losses, candidate)
        again = torch.autograd.grad(
            losses, list(heads.values()), vector, retain_graph=True, materialize_grads=True
        )
        if all(torch.equal(one, other) for one, other in zip(again, sent.values(), strict=True)):
            return candidate
    return None


def exact_factor(gradients: list[tuple[Tensor, Tensor]], factor: float) -> float | None:
    """Find the number that gradients were multiplied by, exact in the finest of their types.

    Args:
        gradients: some of them, before and after.
        factor: the number, as it was read off.

    Returns:
        The number; None if no multiplication gives the very gradients, or none is known.
    """
    if not gradients:
        return None
    finest = max((before.dtype for before, _ in gradients), key=lambda kind: kind.itemsize)
    for candidate in _around(factor, finest):
        if all(torch.equal(before * candidate, after) for before, after in gradients):
            return candidate
    return None


def _around(value: float, dtype: torch.dtype) -> list[float]:
    """A number rounded to a type, at least float32, and its neighbours there, the nearest first."""
    kind = np.float64 if dtype == torch.float64 else np.float32
    found = [kind(value)]
    low = high = kind(value)
    for _ in range(TRIED):
        low, high = np.nextafter(low, kind(-np.inf)), np.nextafter(high, kind(np.inf))
        found += [low, high]
    return [float(one) for one in found]
