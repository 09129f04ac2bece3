"""Layer capture: the calls by which a model uses its parameters, in one batched forward pass.

The gradient of one sample with respect to a linear layer is the outer product of that sample's
output gradient and input; that of an embedding is its output gradient scattered to the token's row.
All are known after one backward pass of the whole batch (layer rules, as in K-FAC libraries).
Parameters used in any other way are named; they need the fallback.
"""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.autograd.graph import GradientEdge, get_gradient_edge
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from explaind.kernel.gradients.convolution import ConvolutionRule
from explaind.kernel.gradients.elementwise import ElementwiseRule
from explaind.kernel.gradients.embedding import EmbeddingRule
from explaind.kernel.gradients.linear import LinearRule
from explaind.kernel.gradients.rule import LayerRule

Call = Callable[..., Any]


def _signature(*names: str, **defaults: Any) -> inspect.Signature:
    """Signature of a function that is built in and does not tell."""
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    plain = [inspect.Parameter(name, kind) for name in names]
    optional = [inspect.Parameter(name, kind, default=value) for name, value in defaults.items()]
    return inspect.Signature([*plain, *optional])


LINEAR = _signature("input", "weight", bias=None)
PRODUCT = _signature("input", "other")
CONVOLUTION = _signature("input", "weight", bias=None, stride=1, padding=0, dilation=1, groups=1)
EMBEDDING = inspect.signature(functional.embedding)

LAST_DIMENSIONS = {functional.layer_norm, functional.rms_norm}
CHANNELS = {functional.batch_norm, functional.group_norm, functional.instance_norm}
"""Normalisations, by the dimensions that their scale and shift run along."""

CONVOLUTIONS = {functional.conv1d: 1, functional.conv2d: 2}

PRODUCTS = {torch.matmul, torch.mm, Tensor.matmul, Tensor.mm, Tensor.__matmul__}

ELEMENTWISE = {
    *(getattr(torch, name) for name in ("add", "sub", "mul", "div")),
    *(getattr(Tensor, name) for name in ("add", "sub", "mul", "div")),
    *(getattr(Tensor, f"__{name}__") for name in ("add", "sub", "mul", "truediv")),
    *(getattr(Tensor, f"__{name}__") for name in ("radd", "rsub", "rmul", "rtruediv")),
    *(getattr(Tensor, f"__{name}__") for name in ("iadd", "isub", "imul", "itruediv")),
}


class LayerCapture(TorchFunctionMode):
    """Watch a batched forward pass and note every call that uses a parameter.

    Args:
        params: the parameters by name; recognised by identity.
        batch: number of samples; calls whose input has another first dimension need the fallback.

    Attributes:
        rules: the layer rules of recognised calls, in order.
        fallback: names of parameters used in a way that no layer rule knows.
    """

    def __init__(self, params: Mapping[str, Tensor], batch: int) -> None:
        super().__init__()
        self._name_of = {id(tensor): name for name, tensor in params.items()}
        self._batch = batch
        self.rules: list[LayerRule] = []
        self.fallback: set[str] = set()

    def __torch_function__(
        self,
        func: Call,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Make the call, noting its parameters."""
        kwargs = kwargs or {}
        if not self._named((args, kwargs)):
            return func(*args, **kwargs)
        handler = self._handler(func)
        output = None if handler is None else handler(func, args, kwargs)
        if output is None:
            self.fallback |= self._named((args, kwargs))
            return func(*args, **kwargs)
        return output

    def _handler(self, func: Call) -> Callable[[Call, Any, Any], Tensor | None] | None:
        for functions, handler in (
            ({functional.linear}, self._linear),
            ({functional.embedding}, self._embedding),
            (CONVOLUTIONS, self._convolution),
            (LAST_DIMENSIONS | CHANNELS, self._normalisation),
            (PRODUCTS, self._product),
            (ELEMENTWISE, self._elementwise),
            ({Tensor.expand}, self._expand),
        ):
            if func in functions:
                return handler
        return None

    def _linear(self, func: Call, args: Any, kwargs: Any) -> Tensor | None:
        x, weight, bias = _arguments(LINEAR, args, kwargs)
        if not self._is_batched(x, 2):
            return None
        y, edge = _watched(func(x, weight, bias))
        weight_name, bias_name = self._name(weight), self._name(bias)
        self.rules.append(LinearRule(weight=weight_name, bias=bias_name, x=x.detach(), edge=edge))
        return y

    def _product(self, func: Call, args: Any, kwargs: Any) -> Tensor | None:
        x, weight = _arguments(PRODUCT, args, kwargs)
        if not self._is_batched(x, 2) or weight.dim() != 2 or self._name(x):
            return None
        y, edge = _watched(func(x, weight))
        self.rules.append(
            LinearRule(
                weight=self._name(weight), bias=None, x=x.detach(), edge=edge, transposed=True
            )
        )
        return y

    def _embedding(self, func: Call, args: Any, kwargs: Any) -> Tensor | None:
        index, weight, *options = _arguments(EMBEDDING, args, kwargs)
        padding, max_norm, _, by_frequency, sparse = options
        changed = padding is not None or max_norm is not None or by_frequency or sparse
        name = self._name(weight)
        if changed or name is None or index.shape[0] != self._batch:
            return None
        y, edge = _watched(func(index, weight))
        self.rules.append(EmbeddingRule(weight=name, index=index, rows=len(weight), edge=edge))
        return y

    def _convolution(self, func: Call, args: Any, kwargs: Any) -> Tensor | None:
        x, weight, bias, *options, groups = _arguments(CONVOLUTION, args, kwargs)
        dimensions = CONVOLUTIONS[func]
        if x.dim() != dimensions + 2 or not self._is_batched(x, 3) or isinstance(options[1], str):
            return None
        stride, padding, dilation = (
            _pair(option, dimensions, fill) for option, fill in zip(options, (1, 0, 1), strict=True)
        )
        y, edge = _watched(func(x, weight, bias, *options, groups))
        self.rules.append(
            ConvolutionRule(
                weight=self._name(weight),
                bias=self._name(bias),
                x=x.detach(),
                edge=edge,
                kernel=_pair(tuple(weight.shape[2:]), dimensions, 1),
                stride=stride,
                padding=padding,
                dilation=dilation,
                groups=groups,
            )
        )
        return y

    def _normalisation(self, func: Call, args: Any, kwargs: Any) -> Tensor | None:
        """Normalise first; scale and shift are then element by element."""
        call = inspect.signature(func).bind(*args, **kwargs)
        x = call.arguments["input"]
        if not self._is_batched(x, 2):
            return None
        weight, bias = call.arguments.pop("weight", None), call.arguments.pop("bias", None)
        places = x.dim() - 2 if func in CHANNELS else 0
        y: Tensor = func(*call.args, **call.kwargs)
        for parameter, operation in ((weight, torch.mul), (bias, torch.add)):
            if parameter is not None:
                shape = (*parameter.shape, *[1] * places)
                y = operation(y, self._spread(parameter, shape, y.shape))
        return y

    def _elementwise(self, func: Call, args: Any, kwargs: Any) -> Tensor | None:
        named = [self._name(value) is not None for value in args[:2]]
        if len(named) != 2 or all(named) or kwargs:
            return None
        position = named.index(True)
        parameter, other = args[position], args[1 - position]
        if not isinstance(other, Tensor) or not self._is_batched(other, 1):
            return None
        if parameter.dim() > other.dim() or (
            parameter.dim() == other.dim() and parameter.shape[0] != 1
        ):
            return None
        shape = torch.broadcast_shapes(parameter.shape, other.shape)  # type: ignore[no-untyped-call]
        values = list(args)
        values[position] = self._spread(parameter, tuple(parameter.shape), shape)
        result: Tensor = func(*values)
        return result

    def _expand(self, func: Call, args: Any, kwargs: Any) -> Tensor | None:
        parameter, *sizes = args
        shape = func(parameter, *sizes, **kwargs).shape
        new = len(shape) > parameter.dim() or parameter.shape[0] == 1
        if not new or not shape or shape[0] != self._batch:
            return None
        return self._spread(parameter, tuple(parameter.shape), shape).clone()

    def _spread(self, parameter: Tensor, shape: tuple[int, ...], over: torch.Size) -> Tensor:
        """The parameter spread over the batch, watched if it is one that is trained."""
        name = self._name(parameter)
        spread = parameter.detach().view(shape).expand(over)
        if name is not None:
            spread = spread.requires_grad_(True)
            edge = get_gradient_edge(spread)
            self.rules.append(ElementwiseRule(weight=name, shape=shape, edge=edge))
        return spread

    def _is_batched(self, x: Tensor, least: int) -> bool:
        return x.dim() >= least and x.shape[0] == self._batch

    def _name(self, value: Any) -> str | None:
        return self._name_of.get(id(value))

    def _named(self, tree: Any) -> set[str]:
        """Names of the parameters among the arguments of a call."""
        if isinstance(tree, Tensor):
            name = self._name_of.get(id(tree))
            return set() if name is None else {name}
        if isinstance(tree, dict):
            return self._named(tuple(tree.values()))
        if isinstance(tree, (tuple, list)):
            return set().union(*(self._named(branch) for branch in tree))
        return set()


def _arguments(signature: inspect.Signature, args: Any, kwargs: Any) -> tuple[Any, ...]:
    """All arguments of a call in order, defaults filled in."""
    bound = signature.bind(*args, **kwargs)
    bound.apply_defaults()
    return bound.args


def _pair(value: Any, dimensions: int, fill: int) -> tuple[int, int]:
    """An option of a convolution as two numbers; one dimension is an image of height 1."""
    values = (value,) * dimensions if isinstance(value, int) else tuple(value)
    values = values * dimensions if len(values) == 1 else values
    first, second = values if dimensions == 2 else (fill, values[0])
    return int(first), int(second)


def _watched(y: Tensor) -> tuple[Tensor, GradientEdge]:
    """A layer output and the place of its gradient, unaffected by later in-place calls."""
    if y.requires_grad:
        return y, get_gradient_edge(y)
    leaf = y.requires_grad_(True)
    return leaf.clone(), get_gradient_edge(leaf)  # in-place calls on a leaf are refused by torch
