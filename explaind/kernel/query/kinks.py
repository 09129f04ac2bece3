"""Kinks of a model: whether the secant rule can follow them, and which quadrature is taken."""

import logging
from typing import NamedTuple

import torch
from torch import Tensor

from explaind.errors import UnsupportedError
from explaind.kernel.checks.gradients import PROBE_SIZES, repeated
from explaind.kernel.gradients.per_sample import Function
from explaind.kernel.nonsmooth.secant import RecordOps
from explaind.kernel.query.quadrature import Quadrature
from explaind.trees import Inputs, Targets

logger = logging.getLogger(__name__)


class FoundOps(NamedTuple):
    """What the query side must know of the piecewise-linear ops of a model.

    Attributes:
        piecewise_linear: whether there are any.
        hidden: whether some may lie in an activation checkpoint, whose backward pass calls the
            model again and knows nothing of secant slopes.
        sample_first: whether the inputs of all of them have the sample first.
        untreated: names of functions that may hide kinks and are left to the plain rule.
    """

    piecewise_linear: bool
    hidden: bool
    sample_first: bool
    untreated: list[str]


def find_ops(function: Function, params: dict[str, Tensor], x: Inputs, y: Targets) -> FoundOps:
    """Look for piecewise-linear ops in the forward passes of a few samples.

    Two batch sizes tell the batch from a dimension that happens to be as long.

    Args:
        function: makes the forward pass.
        params: parameters by name.
        x: inputs.
        y: their targets.

    Returns:
        What was found.
    """
    ops, untreated, sample_first = 0, set[str](), True
    for size in PROBE_SIZES:
        with torch.no_grad(), RecordOps() as mode:
            function(params, *repeated((x, y), size))
        sample_first &= all(op.z.shape[:1] == (size,) for op in mode.ops)
        ops, untreated = len(mode.ops), mode.untreated
    hidden = ops > 0 and _has_checkpoints(function, params, *repeated((x, y), size))
    return FoundOps(ops > 0, hidden, sample_first, sorted(untreated))


def quadrature_for(found: FoundOps, quadrature: Quadrature) -> Quadrature:
    """Decide the quadrature by the ops of a model; the log names what the secant rule misses.

    Args:
        found: what was found of its ops.
        quadrature: the rule asked for, perhaps `auto`.

    Returns:
        The quadrature, with `auto` decided.

    Raises:
        UnsupportedError: if the secant rule is asked for and would go wrong.
    """
    if found.untreated:
        logger.warning("left to the plain rule (no secant slopes): %s", found.untreated)
    decided = quadrature.resolved(found.piecewise_linear and not found.hidden)
    if not found.hidden:
        return decided
    if decided.rule == "secant":
        raise UnsupportedError(
            "quadrature.rule=secant cannot follow piecewise-linear ops in activation checkpoints,"
            " which are called again in the backward pass. Expected auto, gauss_legendre or"
            " midpoint, or the model without checkpoints."
        )
    logger.warning("kinks in activation checkpoints: integrated by the rule %s", decided.rule)
    return decided


@torch.enable_grad()  # there are none without gradients
def _has_checkpoints(function: Function, params: dict[str, Tensor], x: Inputs, y: Targets) -> bool:
    """Whether a forward pass makes saved tensors by a hook, as activation checkpointing does."""
    refused = "no hooks"
    try:
        with torch.autograd.graph.disable_saved_tensors_hooks(refused):
            function(params, x, y)
    except RuntimeError as error:
        if refused not in str(error):
            raise
        return True
    return False
