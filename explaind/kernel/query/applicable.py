"""Which derivatives of the queries a model allows, tried on a few samples."""

import logging

from jaxtyping import Float
from torch import Tensor

from explaind.history.layout import ParameterLayout
from explaind.kernel.checks import GRADIENT_TOLERANCE, check_capture
from explaind.kernel.gradients.per_sample import Function, PerSampleGradients
from explaind.kernel.nonsmooth.secant import SecantEnds, recorded
from explaind.kernel.query.derivative import AlongParts, Derivative, GradientAlongParts
from explaind.trees import Inputs, Targets

logger = logging.getLogger(__name__)


def along_parts(
    function: Function,
    layout: ParameterLayout,
    theta: Float[Tensor, " param"],
    x: Inputs,
    y: Targets,
) -> Derivative:
    """Choose how outputs are differentiated along a step: in forward mode, where torch can.

    Args:
        function: the outputs as a function of the parameters.
        layout: the parameter layout.
        theta: parameters to try it at.
        x: inputs of a few samples.
        y: their targets.

    Returns:
        The derivative.
    """
    along = AlongParts(function, layout)
    try:
        _derivative(along, theta, x, y, None, theta[None])
    except Exception as error:  # noqa: BLE001 (torch and the model may raise anything)
        logger.debug("forward mode: %s", error)
    else:
        return along
    gradients = PerSampleGradients(function, layout)
    fallback = check_capture(gradients, theta, x, y)
    logger.info("no derivative in forward mode: outputs by their gradients, %s", fallback)
    return GradientAlongParts(gradients.with_fallback(fallback))


def takes_secant_slopes(
    derivative: Derivative,
    start: Float[Tensor, " param"],
    end: Float[Tensor, " param"],
    x: Inputs,
    y: Targets,
) -> bool:
    """Try whether the secant rule can follow a model; if not, the log says so.

    A backward pass that calls the model again (activation checkpointing) has no slopes to go by; a
    branch on values makes other calls at either end. Where both ends are one point, the slopes
    are the derivatives.

    Args:
        derivative: the derivative of the queries.
        start: parameters at the start of the path.
        end: parameters at its end.
        x: inputs of a few samples.
        y: their targets.

    Returns:
        Whether it can.
    """
    parts = (end - start)[None]
    middle = start.lerp(end, 0.5)  # where inputs hardly lie on a kink, as zeros do at the start
    unflatten, points = derivative.layout.unflatten, (start, middle, end)
    ops = [recorded(derivative.function, unflatten(theta), x, y)[1] for theta in points]
    point = SecantEnds(middle, middle, ops[1], ops[1])
    path = SecantEnds(start, end, ops[0], ops[2])
    try:
        plain = _derivative(derivative, middle, x, y, None, parts)
        found = _derivative(derivative, middle, x, y, point, parts)
        _derivative(derivative, middle, x, y, path, parts)
    except Exception as error:  # noqa: BLE001 (torch and the model may raise anything)
        reason = str(error)
    else:
        if float((found - plain).abs().max()) <= GRADIENT_TOLERANCE * float(plain.abs().max()):
            return True
        reason = "its backward pass calls it again"
    logger.warning("the secant rule cannot follow this model, the plain rule is used: %s", reason)
    return False


def _derivative(
    derivative: Derivative,
    theta: Float[Tensor, " param"],
    x: Inputs,
    y: Targets,
    ends: SecantEnds | None,
    parts: Float[Tensor, "part param"],
) -> Float[Tensor, "sample output width"]:
    """The derivative at one point."""
    values = derivative.function(derivative.layout.unflatten(theta), x, y)
    total = theta.new_empty(*values.reshape(len(values), -1).shape, derivative.width(parts))
    derivative.add_to(total, 1.0, theta, (x, y), ends, parts, first=True)
    return total
