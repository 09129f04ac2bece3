"""The secant rule's forward passes: record kinked calls at both ends, replay with secant slopes.

Both are torch-function modes: they see every torch call of any model, in the order in which the
model makes them, so the n-th kinked call at the node is the n-th at the ends.
"""

import logging
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from explaind.errors import UnsupportedError
from explaind.kernel.nonsmooth.piecewise_linear import (
    UNTREATED,
    ElementwiseKink,
    PoolKink,
    kink_of,
    pooled_with_leads,
    secant_slope,
    with_slope,
)

logger = logging.getLogger(__name__)

Kink = ElementwiseKink | PoolKink


class RecordKinks(TorchFunctionMode):
    """Remember the input of every kinked call of a forward pass.

    Attributes:
        kinks: the calls, in order.
        untreated: names of functions that may hide kinks and are left to the plain rule.
    """

    def __init__(self) -> None:
        super().__init__()
        self.kinks: list[Kink] = []
        self.untreated: set[str] = set()

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Record the call, then make it."""
        kwargs = kwargs or {}
        kink = kink_of(func, args, kwargs)
        if kink is not None:
            self.kinks.append(_kept(kink))
        elif func in UNTREATED:
            self.untreated.add(func.__name__)
        return func(*args, **kwargs)


class ReplayKinks(TorchFunctionMode):
    """Make a forward pass in which kinked functions pass gradients back with their secant slopes.

    Args:
        start: kinked calls at the start of the subinterval.
        end: kinked calls at its end.
    """

    def __init__(self, start: list[Kink], end: list[Kink]) -> None:
        super().__init__()
        self._start, self._end = start, end
        self._position = 0

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Make the call, with a secant slope if it is a kinked one."""
        kwargs = kwargs or {}
        kink = kink_of(func, args, kwargs)
        if kink is None:
            return func(*args, **kwargs)
        start, end = self._next()
        if isinstance(kink, PoolKink):
            assert isinstance(start, PoolKink)
            assert isinstance(end, PoolKink)
            value = func(*args, **kwargs)
            if isinstance(value, tuple):
                return pooled_with_leads(value[0], kink, start, end), value[1]
            return pooled_with_leads(value, kink, start, end)
        assert isinstance(start, ElementwiseKink)
        assert isinstance(end, ElementwiseKink)
        slope = secant_slope(kink.pieces, start.z, end.z)
        constant = kink.z.detach()
        if not kink.inplace:
            return with_slope(_called_with(func, constant, args, kwargs), kink.z, slope)
        before = kink.z.clone()
        value = _called_with(func, constant.clone(), args, kwargs)
        return kink.z.copy_(with_slope(value, before, slope))

    def _next(self) -> tuple[Kink, Kink]:
        if self._position >= min(len(self._start), len(self._end)):
            raise UnsupportedError(
                "The model makes different kinked calls at neighbouring parameters (control"
                " flow that"
                " depends on values). Use quadrature.rule=gauss_legendre or midpoint for it."
            )
        pair = self._start[self._position], self._end[self._position]
        self._position += 1
        return pair


def _called_with(
    func: Callable[..., Any], z: Tensor, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """The call with another first argument (named `input` if it is not positional)."""
    return func(z, *args[1:], **kwargs) if args else func(**{**kwargs, "input": z})


def _kept(kink: Kink) -> Kink:
    """The call with a copy of an input that is about to be overwritten."""
    z = kink.z.detach()
    if isinstance(kink, ElementwiseKink) and kink.inplace:
        z = z.clone()
    return kink._replace(z=z)


def recorded(forward: Callable[[], Tensor]) -> tuple[Tensor, list[Kink]]:
    """Run a forward pass without gradients and return its output and kinked calls."""
    with torch.no_grad(), RecordKinks() as mode:
        output = forward()
    return output, mode.kinks
