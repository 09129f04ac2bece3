"""Averaged gradients along a straight segment by plain node rules: dense and obviously right."""

from collections.abc import Callable, Sequence

import numpy
import torch
from jaxtyping import Float
from torch import Tensor

Node = tuple[float, float]
"""Position in [0, 1] along the segment, and weight; the weights of a rule add up to one."""

Functional = Callable[[], Float[Tensor, " output"]]
"""The explained outputs at the current values of the parameters."""


def midpoint_nodes(count: int) -> list[Node]:
    """Midpoints of ``count`` equal parts, the published rule; error O(1 / count) at kinks."""
    return [((index + 0.5) / count, 1.0 / count) for index in range(count)]


def gauss_legendre_nodes(order: int, subintervals: int = 1) -> list[Node]:
    """``order`` Gauss-Legendre nodes in each of ``subintervals`` equal parts."""
    positions, weights = numpy.polynomial.legendre.leggauss(order)
    return [
        ((part + (position + 1.0) / 2.0) / subintervals, weight / 2.0 / subintervals)
        for part in range(subintervals)
        for position, weight in zip(positions.tolist(), weights.tolist(), strict=True)
    ]


def set_values(parameters: Sequence[Tensor], flat: Float[Tensor, " param"]) -> None:
    """Write consecutive pieces of ``flat`` into the parameters, in place."""
    sizes = [parameter.numel() for parameter in parameters]
    with torch.no_grad():
        for parameter, piece in zip(parameters, flat.split(sizes), strict=True):
            parameter.copy_(piece.reshape(parameter.shape))


def flat_gradient(
    scalar: Float[Tensor, ""], parameters: Sequence[Tensor], *, retain_graph: bool = False
) -> Float[Tensor, " param"]:
    """Gradient of one number as one flat vector; zero for parameters that it does not depend on."""
    gradients = torch.autograd.grad(
        scalar,
        list(parameters),
        retain_graph=retain_graph,
        allow_unused=True,
        materialize_grads=True,
    )
    return torch.cat([gradient.to_dense().flatten() for gradient in gradients])


def averaged_gradient(
    functional: Functional,
    parameters: Sequence[Tensor],
    start: Float[Tensor, " param"],
    stop: Float[Tensor, " param"],
    nodes: Sequence[Node],
) -> Float[Tensor, "output param"]:
    """Weighted mean of the gradient of each output at the nodes between start and stop.

    Leaves the parameters at the last node. For kinked networks use :func:`midpoint_nodes` with
    several hundred nodes, for smooth ones a few :func:`gauss_legendre_nodes`.
    """
    average = None
    for position, weight in nodes:
        set_values(parameters, (1.0 - position) * start + position * stop)
        outputs = functional()
        gradients = [flat_gradient(output, parameters, retain_graph=True) for output in outputs]
        weighted = weight * torch.stack(gradients)
        average = weighted if average is None else average + weighted
    if average is None:
        raise ValueError("expected at least one node, got none")
    return average
