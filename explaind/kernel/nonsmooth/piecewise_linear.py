"""Piecewise-linear ops: what the secant rule knows of ReLU, clamp, abs, max-pooling and kin.

An elementwise one has slopes `m_0 .. m_K` between thresholds `t_1 .. t_K`. Over a subinterval on
which its input moves from `z_a` to `z_b`, its secant slope is

    m_0 + sum_k (m_k - m_{k-1}) * share of [z_a, z_b] above t_k

(mathematics, section 2). Written with shares and not as a quotient of differences, because a
difference quotient of nearly equal floats is noise. The rescale rule of DeepLIFT is the same slope
taken between an input and a reference input; here both ends are the same input, at two points of
the training path.
"""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional
from torch.overrides import handle_torch_function, has_torch_function

Elementwise = tuple[tuple[float, ...], tuple[float, ...]]
"""`(thresholds, slopes)` with one slope more than thresholds."""

Bound = float | Tensor | None
"""What torch takes as a bound; None = there is none."""


def _relu(**_: object) -> Elementwise:
    return (0.0,), (0.0, 1.0)


def _leaky_relu(negative_slope: float = 0.01, **_: object) -> Elementwise:
    return (0.0,), (float(negative_slope), 1.0)


def _absolute(**_: object) -> Elementwise:
    return (0.0,), (-1.0, 1.0)


def _relu6(**_: object) -> Elementwise:
    return (0.0, 6.0), (0.0, 1.0, 0.0)


def _hardtanh(min_val: float = -1.0, max_val: float = 1.0, **_: object) -> Elementwise:
    return (float(min_val), float(max_val)), (0.0, 1.0, 0.0)


def _clamp(min: Bound = None, max: Bound = None, **_: object) -> Elementwise:  # noqa: A002 (torch's names)
    if isinstance(min, Tensor) or isinstance(max, Tensor):
        raise TypeError
    thresholds = tuple(float(bound) for bound in (min, max) if bound is not None)
    slopes = ((0.0,) if min is not None else ()) + (1.0,) + ((0.0,) if max is not None else ())
    return thresholds, slopes


class _KnownOp(NamedTuple):
    arguments: tuple[str, ...]
    pieces: Callable[..., Elementwise]
    inplace: bool = False


_ELEMENTWISE: dict[Callable[..., Any], _KnownOp] = {
    functional.relu: _KnownOp(("input", "inplace"), _relu),
    torch.relu: _KnownOp(("input",), _relu),
    torch.relu_: _KnownOp(("input",), _relu, inplace=True),
    Tensor.relu: _KnownOp(("input",), _relu),
    Tensor.relu_: _KnownOp(("input",), _relu, inplace=True),
    functional.leaky_relu: _KnownOp(("input", "negative_slope", "inplace"), _leaky_relu),
    functional.relu6: _KnownOp(("input", "inplace"), _relu6),
    functional.hardtanh: _KnownOp(("input", "min_val", "max_val", "inplace"), _hardtanh),
    functional.leaky_relu_: _KnownOp(("input", "negative_slope"), _leaky_relu, inplace=True),
    functional.hardtanh_: _KnownOp(("input", "min_val", "max_val"), _hardtanh, inplace=True),
    torch.abs: _KnownOp(("input",), _absolute),
    torch.abs_: _KnownOp(("input",), _absolute, inplace=True),
    torch.absolute: _KnownOp(("input",), _absolute),
    Tensor.absolute: _KnownOp(("input",), _absolute),
    Tensor.abs_: _KnownOp(("input",), _absolute, inplace=True),
    Tensor.abs: _KnownOp(("input",), _absolute),
    Tensor.__abs__: _KnownOp(("input",), _absolute),
    torch.clamp: _KnownOp(("input", "min", "max"), _clamp),
    torch.clip: _KnownOp(("input", "min", "max"), _clamp),
    Tensor.clamp: _KnownOp(("input", "min", "max"), _clamp),
    Tensor.clip: _KnownOp(("input", "min", "max"), _clamp),
    Tensor.clamp_: _KnownOp(("input", "min", "max"), _clamp, inplace=True),
    Tensor.clip_: _KnownOp(("input", "min", "max"), _clamp, inplace=True),
    Tensor.clamp_min_: _KnownOp(("input", "min"), _clamp, inplace=True),
    Tensor.clamp_max_: _KnownOp(("input", "max"), _clamp, inplace=True),
    torch.clamp_min: _KnownOp(("input", "min"), _clamp),
    Tensor.clamp_min: _KnownOp(("input", "min"), _clamp),
    torch.clamp_max: _KnownOp(("input", "max"), _clamp),
    Tensor.clamp_max: _KnownOp(("input", "max"), _clamp),
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
        functional.selu,
        torch.selu,
        torch.rnn_relu,
        torch.rnn_relu_cell,
        torch.sort,
        torch.topk,
        torch.where,
        Tensor.sort,
        Tensor.topk,
        Tensor.where,
    }
)
"""Functions that have or may hide kinks and are left to the plain rule; the log names them."""


class ElementwiseOp(NamedTuple):
    """One call of a piecewise-linear elementwise op.

    Attributes:
        z: its input.
        pieces: thresholds and slopes.
        inplace: whether the call overwrites its input.
    """

    z: Tensor
    pieces: Elementwise
    inplace: bool

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """The tensors of the call."""
        return (self.z,)

    def of(self, tensors: Sequence[Tensor]) -> "ElementwiseOp":
        """Return the same call of other tensors."""
        return self._replace(z=tensors[0])


class PoolOp(NamedTuple):
    """One call of a max-pooling function.

    Attributes:
        z: its input, `[..., *spatial]`.
        selected: flat spatial position of each selected element.
        spatial: number of spatial dimensions.
    """

    z: Tensor
    selected: Tensor
    spatial: int

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """The tensors of the call."""
        return self.z, self.selected

    def of(self, tensors: Sequence[Tensor]) -> "PoolOp":
        """Return the same call of other tensors."""
        return self._replace(z=tensors[0], selected=tensors[1])


def recognised_op(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> ElementwiseOp | PoolOp | None:
    """Recognise a call of a piecewise-linear op.

    Args:
        function: the torch function called.
        args: its positional arguments.
        kwargs: its keyword arguments.

    Returns:
        What the secant rule needs of the call, or None if the function is no such op.
    """
    if function in _POOLS:
        with_indices, spatial = _POOLS[function]
        kwargs = {key: value for key, value in kwargs.items() if key != "return_indices"}
        keep = 2 if "adaptive" in with_indices.__name__ else 6  # arguments before return_indices
        z = args[0] if args else kwargs["input"]
        return PoolOp(z, with_indices(*args[:keep], **kwargs)[1], spatial)
    known = _ELEMENTWISE.get(function)
    if known is None:
        return None
    named = {**dict(zip(known.arguments, args, strict=False)), **kwargs}
    z, inplace = named.pop("input", named.pop("self", None)), named.pop("inplace", False)
    if not z.is_floating_point():  # positions and the like: nothing is differentiated there
        return None
    try:
        return ElementwiseOp(z, known.pieces(**named), known.inplace or bool(inplace))
    except TypeError:  # a bound given as a tensor: not the elementwise function we know
        return None


def one_call(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Return the function, of which torch-function modes see one call and none of those inside.

    They are none of the model's, and each would take every mode its time.
    """

    @wraps(function)
    def called(*args: object) -> Tensor:
        if has_torch_function(args):  # also where a mode is active
            value: Tensor = handle_torch_function(called, args, *args)
            return value
        return function(*args)

    return called


def secant_slope(
    pieces: Elementwise, z_a: Float[Tensor, "..."], z_b: Float[Tensor, "..."]
) -> Float[Tensor, "..."]:
    """Mean slope of a piecewise-linear function between two inputs.

    Args:
        pieces: thresholds and slopes.
        z_a: input at the start of the subinterval.
        z_b: input at its end.

    Returns:
        `(phi(z_b) - phi(z_a)) / (z_b - z_a)` elementwise; the derivative where they are equal.
    """
    thresholds, slopes = pieces
    low, high = torch.minimum(z_a, z_b), torch.maximum(z_a, z_b)
    width = high - low
    slope = torch.full_like(low, slopes[0])
    for threshold, before, after in zip(thresholds, slopes, slopes[1:], strict=False):
        # infinite where the input rests, with the sign of its side; not a number on the threshold
        share = (high - threshold).div_(width).clamp(0.0, 1.0).nan_to_num_(0.0)
        slope.add_(share, alpha=after - before)
    return slope


def with_slope(value: Tensor, z: Tensor, slope: Tensor) -> Tensor:
    """Return `value`, with derivative `slope` with respect to `z` in reverse and forward mode."""
    return value.detach() + slope * (z - z.detach())


@one_call
def pooled_with_leads(
    value: Tensor, op: PoolOp, start: PoolOp, end: PoolOp
) -> Float[Tensor, "..."]:
    """A max-pooling output that passes its gradient to the elements selected at both ends.

    Where the selection changes from `i` to `j`, `i` gets the share `d_a / (d_a + d_b)` with `d_a`
    the lead of `i` over `j` at the start and `d_b` the lead of `j` over `i` at the end.

    Args:
        value: pooling output at the node.
        op: the call at the node.
        start: the same call at the start of the subinterval.
        end: the same call at its end.

    Returns:
        The value, with that derivative.
    """

    def taken(source: Tensor, selected: Tensor) -> Tensor:
        flat = source.flatten(-op.spatial)
        return flat.gather(-1, selected.flatten(-op.spatial)).view(selected.shape)

    lead_a = taken(start.z, start.selected) - taken(start.z, end.selected)
    lead_b = taken(end.z, end.selected) - taken(end.z, start.selected)
    total = lead_a + lead_b
    share = torch.where(total > 0, lead_a / torch.where(total > 0, total, 1.0), 0.5)
    moving = op.z - op.z.detach()
    return (
        value.detach()
        + share * taken(moving, start.selected)
        + (1.0 - share) * taken(moving, end.selected)
    )
