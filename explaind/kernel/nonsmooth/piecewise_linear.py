"""Kinked functions: what the secant rule knows of ReLU, clamp, abs, max-pooling and kin.

A kinked elementwise function is piecewise linear: slopes `m_0 .. m_K` between thresholds `t_1 ..
t_K`. Over a subinterval on which its input moves from `z_a` to `z_b`, its secant slope is

    m_0 + sum_k (m_k - m_{k-1}) * share of [z_a, z_b] above t_k

(mathematics, section 2). Written with shares and not as a quotient of differences, because a
difference quotient of nearly equal floats is noise.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

Elementwise = tuple[tuple[float, ...], tuple[float, ...]]
"""`(thresholds, slopes)` with one slope more than thresholds."""


def _relu(**_: Any) -> Elementwise:
    return (0.0,), (0.0, 1.0)


def _leaky_relu(negative_slope: float = 0.01, **_: Any) -> Elementwise:
    return (0.0,), (float(negative_slope), 1.0)


def _absolute(**_: Any) -> Elementwise:
    return (0.0,), (-1.0, 1.0)


def _relu6(**_: Any) -> Elementwise:
    return (0.0, 6.0), (0.0, 1.0, 0.0)


def _hardtanh(min_val: float = -1.0, max_val: float = 1.0, **_: Any) -> Elementwise:
    return (float(min_val), float(max_val)), (0.0, 1.0, 0.0)


def _clamp(min: Any = None, max: Any = None, **_: Any) -> Elementwise:  # noqa: A002 (torch's names)
    if isinstance(min, Tensor) or isinstance(max, Tensor):
        raise TypeError
    thresholds = tuple(float(bound) for bound in (min, max) if bound is not None)
    slopes = ((0.0,) if min is not None else ()) + (1.0,) + ((0.0,) if max is not None else ())
    return thresholds, slopes


class _Kinked(NamedTuple):
    arguments: tuple[str, ...]
    pieces: Callable[..., Elementwise]
    inplace: bool = False


_ELEMENTWISE: dict[Callable[..., Any], _Kinked] = {
    functional.relu: _Kinked(("input", "inplace"), _relu),
    torch.relu: _Kinked(("input",), _relu),
    torch.relu_: _Kinked(("input",), _relu, inplace=True),
    Tensor.relu: _Kinked(("input",), _relu),
    Tensor.relu_: _Kinked(("input",), _relu, inplace=True),
    functional.leaky_relu: _Kinked(("input", "negative_slope", "inplace"), _leaky_relu),
    functional.relu6: _Kinked(("input", "inplace"), _relu6),
    functional.hardtanh: _Kinked(("input", "min_val", "max_val", "inplace"), _hardtanh),
    functional.leaky_relu_: _Kinked(("input", "negative_slope"), _leaky_relu, inplace=True),
    functional.hardtanh_: _Kinked(("input", "min_val", "max_val"), _hardtanh, inplace=True),
    torch.abs: _Kinked(("input",), _absolute),
    torch.abs_: _Kinked(("input",), _absolute, inplace=True),
    torch.absolute: _Kinked(("input",), _absolute),
    Tensor.absolute: _Kinked(("input",), _absolute),
    Tensor.abs_: _Kinked(("input",), _absolute, inplace=True),
    Tensor.abs: _Kinked(("input",), _absolute),
    Tensor.__abs__: _Kinked(("input",), _absolute),
    torch.clamp: _Kinked(("input", "min", "max"), _clamp),
    torch.clip: _Kinked(("input", "min", "max"), _clamp),
    Tensor.clamp: _Kinked(("input", "min", "max"), _clamp),
    Tensor.clip: _Kinked(("input", "min", "max"), _clamp),
    Tensor.clamp_: _Kinked(("input", "min", "max"), _clamp, inplace=True),
    Tensor.clip_: _Kinked(("input", "min", "max"), _clamp, inplace=True),
    Tensor.clamp_min_: _Kinked(("input", "min"), _clamp, inplace=True),
    Tensor.clamp_max_: _Kinked(("input", "max"), _clamp, inplace=True),
    torch.clamp_min: _Kinked(("input", "min"), _clamp),
    Tensor.clamp_min: _Kinked(("input", "min"), _clamp),
    torch.clamp_max: _Kinked(("input", "max"), _clamp),
    Tensor.clamp_max: _Kinked(("input", "max"), _clamp),
}

_POOLS: dict[Callable[..., Any], tuple[Callable[..., Any], int]] = {
    getattr(functional, name): (getattr(functional, f"{name}_with_indices"), int(name[-2]))
    for name in (
        "max_pool1d",
        "max_pool2d",
        "max_pool3d",
        "adaptive_max_pool1d",
        "adaptive_max_pool2d",
        "adaptive_max_pool3d",
    )
}

UNTREATED = frozenset(
    {
        torch.max,
        torch.min,
        torch.amax,
        torch.amin,
        torch.maximum,
        torch.minimum,
        Tensor.max,
        Tensor.min,
        Tensor.amax,
        Tensor.amin,
        functional.prelu,
        functional.threshold,
        functional.rrelu,
        functional.hardshrink,
        functional.softshrink,
        functional.hardswish,
        functional.hardsigmoid,
        torch.sort,
        torch.topk,
        torch.where,
    }
)
"""Functions that have or may hide kinks and are left to the plain rule; the log names them."""


class ElementwiseKink(NamedTuple):
    """One call of a kinked elementwise function.

    Attributes:
        z: its input.
        pieces: thresholds and slopes.
        inplace: whether the call overwrites its input.
    """

    z: Tensor
    pieces: Elementwise
    inplace: bool


class PoolKink(NamedTuple):
    """One call of a max-pooling function.

    Attributes:
        z: its input, `[..., *spatial]`.
        selected: flat spatial position of each selected element.
        spatial: number of spatial dimensions.
    """

    z: Tensor
    selected: Tensor
    spatial: int


def kink_of(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> ElementwiseKink | PoolKink | None:
    """Recognise a call of a kinked function.

    Args:
        function: the torch function called.
        args: its positional arguments.
        kwargs: its keyword arguments.

    Returns:
        What the secant rule needs of the call, or None if the function is not a known kinked one.
    """
    if function in _POOLS:
        with_indices, spatial = _POOLS[function]
        kwargs = {key: value for key, value in kwargs.items() if key != "return_indices"}
        keep = 2 if "adaptive" in with_indices.__name__ else 6  # arguments before return_indices
        z = args[0] if args else kwargs["input"]
        return PoolKink(z, with_indices(*args[:keep], **kwargs)[1], spatial)
    kinked = _ELEMENTWISE.get(function)
    if kinked is None:
        return None
    named = {**dict(zip(kinked.arguments, args, strict=False)), **kwargs}
    z, inplace = named.pop("input", named.pop("self", None)), named.pop("inplace", False)
    try:
        return ElementwiseKink(z, kinked.pieces(**named), kinked.inplace or bool(inplace))
    except TypeError:  # a bound given as a tensor: not the elementwise function we know
        return None


def secant_slope(
    pieces: Elementwise, z_a: Float[Tensor, "..."], z_b: Float[Tensor, "..."]
) -> Float[Tensor, "..."]:
    """Mean slope of a piecewise linear function between two inputs.

    Args:
        pieces: thresholds and slopes.
        z_a: input at the start of the subinterval.
        z_b: input at its end.

    Returns:
        `(phi(z_b) - phi(z_a)) / (z_b - z_a)` elementwise; the derivative where they are equal.
    """
    thresholds, slopes = pieces
    low, high = torch.minimum(z_a, z_b), torch.maximum(z_a, z_b)
    width = torch.where(high > low, high - low, torch.ones_like(low))
    slope = torch.full_like(low, slopes[0])
    for threshold, before, after in zip(thresholds, slopes, slopes[1:], strict=False):
        share = torch.where(low > threshold, 1.0, ((high - threshold) / width).clamp(0.0, 1.0))
        slope = slope + (after - before) * share
    return slope


def with_slope(value: Tensor, z: Tensor, slope: Tensor) -> Tensor:
    """`value`, with derivative `slope` with respect to `z` in reverse and forward mode."""
    return value.detach() + slope * (z - z.detach())


def pooled_with_leads(
    value: Tensor, kink: PoolKink, start: PoolKink, end: PoolKink
) -> Float[Tensor, "..."]:
    """A max-pooling output that passes its gradient to the elements selected at both ends.

    Where the selection changes from `i` to `j`, `i` gets the share `d_a / (d_a + d_b)` with `d_a`
    the lead of `i` over `j` at the start and `d_b` the lead of `j` over `i` at the end.

    Args:
        value: pooling output at the node.
        kink: the call at the node.
        start: the same call at the start of the subinterval.
        end: the same call at its end.

    Returns:
        The value, with that derivative.
    """

    def taken(source: Tensor, selected: Tensor) -> Tensor:
        flat = source.flatten(-kink.spatial)
        return flat.gather(-1, selected.flatten(-kink.spatial)).view(selected.shape)

    lead_a = taken(start.z, start.selected) - taken(start.z, end.selected)
    lead_b = taken(end.z, end.selected) - taken(end.z, start.selected)
    total = lead_a + lead_b
    share = torch.where(total > 0, lead_a / torch.where(total > 0, total, 1.0), 0.5)
    moving = kink.z - kink.z.detach()
    return (
        value.detach()
        + share * taken(moving, start.selected)
        + (1.0 - share) * taken(moving, end.selected)
    )
