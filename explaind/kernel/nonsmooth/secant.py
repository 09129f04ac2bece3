"""The secant rule: record piecewise-linear ops at both ends, replay them with secant slopes.

Both are torch-function modes: they see every torch call of any model, in the order in which the
model makes them, so the n-th op at the node is the n-th at the ends.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.overrides import TorchFunctionMode

from explaind.errors import UnsupportedError
from explaind.kernel.nonsmooth.piecewise_linear import (
    UNTREATED,
    ElementwiseOp,
    PoolOp,
    one_call,
    pooled_with_leads,
    recognised_op,
    secant_slope,
    with_slope,
)
from explaind.trees import leaves

Op = ElementwiseOp | PoolOp


@dataclass(frozen=True)
class SecantEnds:
    """The two ends of a subinterval of a step, for the slopes of piecewise-linear ops.

    Attributes:
        start: parameters at the start.
        end: parameters at the end.
        start_ops: piecewise-linear ops of the batched forward pass at the start.
        end_ops: the same at the end.
    """

    start: Float[Tensor, " param"]
    end: Float[Tensor, " param"]
    start_ops: list[Op]
    end_ops: list[Op]


class RecordOps(TorchFunctionMode):
    """Remember the input of every piecewise-linear op of a forward pass.

    Attributes:
        ops: the ops, in order.
        untreated: names of functions that may hide kinks and are left to the plain rule.
    """

    def __init__(self) -> None:
        super().__init__()
        self.ops: list[Op] = []
        self.untreated: set[str] = set()

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: object,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> object:
        """Record the call, then make it."""
        kwargs = kwargs or {}
        op = recognised_op(func, args, kwargs)
        if op is not None:
            self.ops.append(_kept(op))
        elif func in UNTREATED and any(map(_is_number, leaves((args, kwargs)))):
            self.untreated.add(func.__name__)
        return func(*args, **kwargs)


class ReplayOps(TorchFunctionMode):
    """Make a forward pass in which piecewise-linear ops pass gradients with secant slopes.

    Args:
        ends: the two ends of the subinterval.
    """

    def __init__(self, ends: SecantEnds) -> None:
        super().__init__()
        self._pairs = zip(ends.start_ops, ends.end_ops, strict=False)

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: object,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> object:
        """Make the call, with a secant slope if it is a piecewise-linear op."""
        kwargs = kwargs or {}
        op = recognised_op(func, args, kwargs)
        if op is None:
            return func(*args, **kwargs)
        start, end = self._next()
        if isinstance(op, PoolOp):
            assert isinstance(start, PoolOp)
            assert isinstance(end, PoolOp)
            value = func(*args, **kwargs)
            if isinstance(value, tuple):
                return pooled_with_leads(value[0], op, start, end), value[1]
            return pooled_with_leads(value, op, start, end)
        assert isinstance(start, ElementwiseOp)
        assert isinstance(end, ElementwiseOp)
        if not op.inplace:
            return _with_secant_slope(op.z, start, end, func, args, kwargs)
        return op.z.copy_(_with_secant_slope(op.z.clone(), start, end, func, args, kwargs))

    def _next(self) -> tuple[Op, Op]:
        pair = next(self._pairs, None)
        if pair is None:
            raise UnsupportedError(
                "The model makes different piecewise-linear calls at neighbouring parameters"
                " (control flow that depends on values). Use quadrature.rule=gauss_legendre or"
                " midpoint for it."
            )
        return pair


def secant_slopes(ends: SecantEnds | None) -> AbstractContextManager[Any]:
    """Return the context of a forward pass with the slopes between two ends, or with plain ones."""
    return nullcontext() if ends is None else ReplayOps(ends)


def recorded(function: Callable[..., Tensor], *arguments: object) -> tuple[Tensor, list[Op]]:
    """Call a function without gradients.

    Args:
        function: makes a forward pass.
        arguments: its arguments.

    Returns:
        Its output and the piecewise-linear ops on the way.
    """
    with torch.no_grad(), RecordOps() as mode:
        output = function(*arguments)
    return output, mode.ops


def of_rows(op: Op, rows: Int[Tensor, "*row"] | slice) -> Op:
    """Return an op on some samples of the batch, which is the first dimension of its tensors."""
    return op.of([tensor[rows] for tensor in op.tensors])


@one_call
def _with_secant_slope(
    z: Tensor,
    start: ElementwiseOp,
    end: ElementwiseOp,
    func: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Tensor:
    """The value of an elementwise op at `z`, with the derivative that it has between two ends."""
    constant = z.detach().clone() if start.inplace else z.detach()
    # the first argument is named `input` if it is not positional
    value = func(constant, *args[1:], **kwargs) if args else func(**{**kwargs, "input": constant})
    return with_slope(value, z, secant_slope(start.pieces, start.z, end.z))


def _is_number(value: object) -> bool:
    """Whether it can be differentiated by: not positions, masks and the like."""
    return isinstance(value, Tensor) and value.is_floating_point()


def _kept(op: Op) -> Op:
    """The op with a copy of an input that is about to be overwritten."""
    z = op.z.detach()
    if isinstance(op, ElementwiseOp) and op.inplace:
        z = z.clone()
    return op._replace(z=z)
