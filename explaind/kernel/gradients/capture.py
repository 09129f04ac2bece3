"""Layer capture: the calls by which a model uses its parameters, in one batched forward pass.

The gradient of one sample with respect to a linear layer is the outer product of that sample's
output gradient and input; that of an embedding is its output gradient scattered to the token's row.
All are known after one backward pass of the whole batch (layer rules, as in K-FAC libraries).
Parameters used in any other way are named; they need the fallback.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from explaind.kernel.gradients.attention import attention
from explaind.kernel.gradients.chosen_rows import may_choose
from explaind.kernel.gradients.convolution import ConvolutionRule, TransposedConvolutionRule
from explaind.kernel.gradients.elementwise import ElementwiseRule
from explaind.kernel.gradients.embedding import EmbeddingRule
from explaind.kernel.gradients.linear import LinearRule
from explaind.kernel.gradients.recurrent import CELLS, RECURRENT, recurrent, recurrent_cell
from explaind.kernel.gradients.rule import Call, LayerRule
from explaind.kernel.gradients.watched import Edges, Watched
from explaind.trees import Inputs, batch_size, is_uncollated, leaves

LAST_DIMENSIONS: set[Call] = {functional.layer_norm, functional.rms_norm}
CHANNELS: set[Call] = {functional.batch_norm, functional.group_norm, functional.instance_norm}
"""Normalisations, by the dimensions that their scale and shift run along."""

CONVOLUTIONS: dict[Call, int] = {functional.conv1d: 1, functional.conv2d: 2}
TRANSPOSED_CONVOLUTIONS: dict[Call, int] = {
    functional.conv_transpose1d: 1,
    functional.conv_transpose2d: 2,
}

PRODUCTS: set[Call] = {torch.matmul, torch.mm, Tensor.matmul, Tensor.mm, Tensor.__matmul__}

ELEMENTWISE: set[Call] = {
    *(getattr(torch, name) for name in ("add", "sub", "mul", "div")),
    *(getattr(Tensor, name) for name in ("add", "sub", "mul", "div")),
    *(getattr(Tensor, f"__{name}__") for name in ("add", "sub", "mul", "truediv")),
    *(getattr(Tensor, f"__{name}__") for name in ("radd", "rsub", "rmul", "rtruediv")),
    *(getattr(Tensor, f"__{name}__") for name in ("iadd", "isub", "imul", "itruediv")),
}


Lengths = int | Sequence[int]
"""An option of a convolution: one number for all dimensions, or one for each."""


class LayerCapture(TorchFunctionMode):
    """Watch a batched forward pass and note every call that uses a parameter.

    Args:
        params: the parameters by name; recognised by identity.
        inputs: what the model is called with.
        shared: whether a look-up that all samples share is one of each.
        watched: notes the layer outputs, by which is differentiated; by default as autograd does.

    Attributes:
        batch: number of samples; calls whose input has another first dimension need the fallback.
        rules: the layer rules of recognised calls, in the order of the outputs in `watched`.
        watched: as given.
        fallback: names of parameters used in a way that no layer rule knows.
        chooses: whether a call was seen that may choose among the rows (`chosen_rows`), or their
            number may be that of the samples by chance.
    """

    def __init__(
        self,
        params: Mapping[str, Tensor],
        inputs: Inputs,
        shared: bool = True,
        watched: Watched | None = None,
    ) -> None:
        super().__init__()
        self._shared = shared
        self.watched = Edges() if watched is None else watched
        # by identity, and kept alive: rows looked up for all samples, with numbers and length
        self._shared_rows: dict[int, tuple[Tensor, Tensor, int]] = {}
        self._twins: dict[int, tuple[Tensor, Tensor]] = {}  # rows of as many samples, and of all
        self._names = {id(tensor): name for name, tensor in params.items()}
        self.batch = batch_size(inputs)
        self.rules: list[LayerRule] = []
        self.fallback: set[str] = set()
        self.chooses = is_uncollated(inputs)

    def __torch_function__(
        self,
        func: Call,
        types: object,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> object:
        """Make the call, noting its parameters."""
        kwargs = kwargs or {}
        if func in ELEMENTWISE and self._twins:
            args = self._of_all(args)
        names = self._named((*args, *kwargs.values()))
        self.chooses = self.chooses or may_choose(func, args, names)
        handler = HANDLERS.get(func) if names else None
        output = None if handler is None else handler(self, func, *args, **kwargs)
        if output is None:
            output = func(*args, **kwargs)
            if names and any(isinstance(leaf, Tensor) for leaf in leaves(output)):  # not a shape
                self.fallback |= names
        return output

    def linear(
        self,
        func: Call,
        input: Tensor,  # noqa: A002 (torch's names, here and below)
        weight: Tensor,
        bias: Tensor | None = None,
    ) -> Tensor | None:
        """Return the output of a linear layer, `x W^T + b`; None if `x` is not sample first."""
        return self._outer_product(partial(func, weight=weight, bias=bias), input, weight, bias)

    def _product(
        self,
        func: Call,
        input: Tensor,  # noqa: A002
        other: Tensor,
    ) -> Tensor | None:
        if other.dim() != 2 or self.name_of(input):
            return None
        product = partial(_swapped, func, other)
        return self._outer_product(product, input, other, None, transposed=True)

    def _addmm(
        self,
        func: Call,
        input: Tensor,  # noqa: A002
        mat1: Tensor,
        mat2: Tensor,
        **scales: float,
    ) -> Tensor | None:
        if input.dim() != 1 or scales or self.name_of(mat1):
            return None
        return self._outer_product(partial(func, input, mat2=mat2), mat1, mat2, input, True)

    def _outer_product(
        self,
        layer: Callable[[Tensor], Tensor],
        x: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        transposed: bool = False,
    ) -> Tensor | None:
        """Watch a layer of rows `x`; the rows of a sample may be folded into the batch."""
        if x.dim() < 2 or (x.shape[0] != self.batch and (x.dim() > 2 or x.shape[0] % self.batch)):
            return None
        y, places = layer(x), x.detach()
        folded = x.shape[0] != self.batch
        if folded:
            places, shape = places.view(self.batch, -1, x.shape[1]), y.shape
            y = y.view(self.batch, -1, y.shape[1])
        y = self.watched.output(y)
        self.rules.append(
            LinearRule(
                weight=self.name_of(weight),
                bias=self.name_of(bias),
                x=places,
                transposed=transposed,
            )
        )
        return y.view(shape) if folded else y

    def _embedding(
        self,
        func: Call,
        input: Tensor,  # noqa: A002
        weight: Tensor,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
    ) -> Tensor | None:
        changed = max_norm is not None or scale_grad_by_freq
        name = self.name_of(weight)
        if changed or name is None or not input.dim():
            return None
        rows: Tensor = func(input, weight)
        shared = self._shared and padding_idx is None  # positions, say
        if shared and input.dim() == 1:
            self._names[id(rows)], self._shared_rows[id(rows)] = name, (rows, input, len(weight))
        if shared and input.dim() == 1 and input.shape[0] != self.batch:
            return rows
        if input.shape[0] != self.batch and not (shared and input.shape[0] == 1):
            return None
        index = input.expand(self.batch, *input.shape[1:])
        y = self.watched.output(rows.detach().expand(*index.shape, -1))
        self.rules.append(EmbeddingRule(weight=name, index=index, rows=len(weight)))
        if padding_idx is not None:  # the row of the padding is not trained
            y = y.where(input[..., None] != padding_idx % len(weight), y.detach())
        if id(rows) in self._shared_rows:
            self._twins[id(y)] = y, rows
        return y

    def _of_all(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """Arguments with rows of all samples where torch spreads them: beside more dimensions."""
        dimensions = max((value.dim() for value in args if isinstance(value, Tensor)), default=0)
        return tuple(
            self._twins[id(value)][1]
            if id(value) in self._twins and value.dim() < dimensions
            else value
            for value in args
        )

    def _convolution(
        self,
        func: Call,
        input: Tensor,  # noqa: A002
        weight: Tensor,
        bias: Tensor | None = None,
        stride: Lengths = 1,
        padding: Lengths | str = 0,
        dilation: Lengths = 1,
        groups: int = 1,
    ) -> Tensor | None:
        dimensions = CONVOLUTIONS[func]
        known = input.dim() == dimensions + 2 and self._is_batched(input, 3)
        if not known or isinstance(padding, str):
            return None
        y = self.watched.output(func(input, weight, bias, stride, padding, dilation, groups))
        self.rules.append(
            ConvolutionRule(
                weight=self.name_of(weight),
                bias=self.name_of(bias),
                x=input.detach(),
                kernel=_pair(tuple(weight.shape[2:]), dimensions, 1),
                stride=_pair(stride, dimensions, 1),
                padding=_pair(padding, dimensions, 0),
                dilation=_pair(dilation, dimensions, 1),
                groups=groups,
            )
        )
        return y

    def _transposed_convolution(
        self,
        func: Call,
        input: Tensor,  # noqa: A002
        weight: Tensor,
        bias: Tensor | None = None,
        stride: Lengths = 1,
        padding: Lengths = 0,
        output_padding: Lengths = 0,
        groups: int = 1,
        dilation: Lengths = 1,
    ) -> Tensor | None:
        dimensions = TRANSPOSED_CONVOLUTIONS[func]
        strides, added = _pair(stride, dimensions, 1), _pair(output_padding, dimensions, 0)
        seen = all(more < step for more, step in zip(added, strides, strict=True))
        known = input.dim() == dimensions + 2 and groups == 1 and seen
        if not known or not self._is_batched(input, 3):
            return None
        options = (stride, padding, output_padding, groups, dilation)
        y = self.watched.output(func(input, weight, None, *options))
        self.rules.append(
            TransposedConvolutionRule(
                weight=self.name_of(weight),
                bias=None,
                x=input.detach(),
                transposed=True,
                kernel=_pair(tuple(weight.shape[2:]), dimensions, 1),
                stride=strides,
                padding=_pair(padding, dimensions, 0),
                dilation=_pair(dilation, dimensions, 1),
            )
        )
        return (
            y if bias is None else y + self._spread(bias, (*bias.shape, *[1] * dimensions), y.shape)
        )

    def _normalisation(self, func: Call, *args: object, **kwargs: object) -> Tensor | None:
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

    def _elementwise(self, func: Call, *args: object, **kwargs: object) -> Tensor | None:
        named = [self.name_of(value) is not None for value in args[:2]]
        if len(named) != 2 or all(named) or kwargs:
            return None
        position = named.index(True)
        parameter, other = args[position], args[1 - position]
        if not isinstance(other, Tensor) or not self._is_batched(other, 1):
            return None
        assert isinstance(parameter, Tensor)  # it has a name
        if parameter.dim() > other.dim() or (
            parameter.dim() == other.dim() and parameter.shape[0] != 1
        ):
            return None
        shape = torch.broadcast_shapes(parameter.shape, other.shape)  # type: ignore[no-untyped-call]
        values = list(args)
        values[position] = self._spread(parameter, tuple(parameter.shape), shape)
        result: Tensor = func(*values)
        return result

    def _expand(
        self, func: Call, parameter: Tensor, *sizes: object, **kwargs: object
    ) -> Tensor | None:
        shape = func(parameter, *sizes, **kwargs).shape
        new = len(shape) > parameter.dim() or parameter.shape[0] == 1
        if not new or not shape or shape[0] != self.batch:
            return None
        return self._spread(parameter, tuple(parameter.shape), shape).clone()

    def _spread(self, parameter: Tensor, shape: tuple[int, ...], over: torch.Size) -> Tensor:
        """The parameter spread over the batch, watched if it is one that is trained."""
        name = self.name_of(parameter)
        spread = parameter.detach().view(shape).expand(over)
        if name is not None:
            spread = self.watched.leaf(spread)
            self.rules.append(self._rule_of_spread(parameter, name, shape, over))
        return spread

    def _rule_of_spread(
        self, parameter: Tensor, name: str, shape: tuple[int, ...], over: torch.Size
    ) -> LayerRule:
        if id(parameter) not in self._shared_rows:
            return ElementwiseRule(weight=name, shape=shape)
        _, index, rows = self._shared_rows[id(parameter)]
        index = index.expand(self.batch, *over[1:-1])
        return EmbeddingRule(weight=name, index=index, rows=rows)

    def _is_batched(self, x: Tensor, least: int) -> bool:
        return x.dim() >= least and x.shape[0] == self.batch

    def name_of(self, value: object) -> str | None:
        """Return the name of a parameter; None of anything else."""
        return self._names.get(id(value))

    def _named(self, values: Iterable[object]) -> set[str]:
        """Names of the parameters among the arguments of a call."""
        names: set[str] = set()
        for value in values:
            name = self.name_of(value)
            if name is not None:
                names.add(name)
            elif isinstance(value, (tuple, list)):
                names |= self._named(value)
            elif isinstance(value, dict):
                names |= self._named(value.values())
        return names


Handler = Callable[..., Any]

HANDLERS: dict[Call, Handler] = {
    functional.linear: LayerCapture.linear,
    torch.addmm: LayerCapture._addmm,
    functional.multi_head_attention_forward: attention,
    functional.embedding: LayerCapture._embedding,
    Tensor.expand: LayerCapture._expand,
    **dict.fromkeys(RECURRENT, recurrent),
    **dict.fromkeys(CELLS, recurrent_cell),
    **dict.fromkeys(CONVOLUTIONS, LayerCapture._convolution),
    **dict.fromkeys(TRANSPOSED_CONVOLUTIONS, LayerCapture._transposed_convolution),
    **dict.fromkeys(LAST_DIMENSIONS | CHANNELS, LayerCapture._normalisation),
    **dict.fromkeys(PRODUCTS, LayerCapture._product),
    **dict.fromkeys(ELEMENTWISE, LayerCapture._elementwise),
}
"""The layer rule of every function that has one."""


def _pair(value: Lengths, dimensions: int, fill: int) -> tuple[int, int]:
    """An option of a convolution as two numbers; one dimension is an image of height 1."""
    values = (value,) * dimensions if isinstance(value, int) else tuple(value)
    values = values * dimensions if len(values) == 1 else values
    first, second = values if dimensions == 2 else (fill, values[0])
    return int(first), int(second)


def _swapped(func: Call, other: Tensor, x: Tensor) -> Tensor:
    product: Tensor = func(x, other)
    return product
