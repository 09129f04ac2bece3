"""How a model uses its parameters: per-sample gradients from one batched backward pass.

A linear layer's gradient for one sample is the outer product of that sample's output gradient and
input; an embedding's is its output gradient scattered to the token's row. Both are known after one
backward pass of the whole batch. Parameters used in any other way are named, and get `vmap(grad)`
instead.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from jaxtyping import Float, Int
from torch import Tensor
from torch.autograd.graph import GradientEdge, get_gradient_edge
from torch.nn import functional
from torch.overrides import TorchFunctionMode


@dataclass(frozen=True)
class LinearUse:
    """One call `y = x W^T + b` with a parameter as weight.

    Attributes:
        weight: name of the weight.
        bias: name of the bias if it is a parameter.
        x: layer input, `[batch, ..., in]`.
        edge: where the gradient with respect to `y` is found.
    """

    weight: str
    bias: str | None
    x: Tensor
    edge: GradientEdge

    def gradient(
        self, name: str, delta: Float[Tensor, "output batch *token features"], rows: slice
    ) -> Float[Tensor, "rows output size"]:
        """Per-sample gradients of the weight or the bias from the output gradients."""
        delta = delta[:, rows]
        outputs, batch, features = delta.shape[0], delta.shape[1], delta.shape[-1]
        delta = delta.reshape(outputs, batch, -1, features).transpose(0, 1)
        if name == self.bias:
            return delta.sum(2)
        x = self.x[rows].reshape(batch, 1, -1, self.x.shape[-1])
        if x.shape[2] == 1:  # a plain product is faster than a product of thin matrices
            return (delta[:, :, 0, :, None] * x).flatten(2)
        return (delta.transpose(2, 3) @ x).flatten(2)


@dataclass(frozen=True)
class EmbeddingUse:
    """One table look-up with a parameter as table.

    Attributes:
        weight: name of the table.
        index: rows looked up, `[batch, ...]`.
        rows: number of rows of the table.
        edge: where the gradient with respect to the looked-up vectors is found.
    """

    weight: str
    index: Int[Tensor, "batch ..."]
    rows: int
    edge: GradientEdge

    def gradient(
        self, name: str, delta: Float[Tensor, "output batch *token features"], rows: slice
    ) -> Float[Tensor, "rows output size"]:
        """Per-sample gradients of the table from the output gradients."""
        delta = delta[:, rows]
        outputs, batch, width = delta.shape[0], delta.shape[1], delta.shape[-1]
        delta = delta.reshape(outputs, batch, -1, width).transpose(0, 1)
        index = self.index[rows].reshape(batch, 1, -1, 1).expand_as(delta)
        table = delta.new_zeros(batch, outputs, self.rows, width)
        return table.scatter_add_(2, index, delta).flatten(2)


Use = LinearUse | EmbeddingUse


class CaptureUses(TorchFunctionMode):
    """Watch a batched forward pass and note every use of a parameter.

    Args:
        params: the parameters by name; recognised by identity.
        batch: number of samples; uses whose input has another first dimension count as `direct`.

    Attributes:
        uses: recognised uses, in order.
        direct: names of parameters used in a way that is not recognised.
    """

    def __init__(self, params: Mapping[str, Tensor], batch: int) -> None:
        super().__init__()
        self._name_of = {id(tensor): name for name, tensor in params.items()}
        self._batch = batch
        self.uses: list[Use] = []
        self.direct: set[str] = set()

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Make the call, noting its parameters."""
        kwargs = kwargs or {}
        if func is functional.linear:
            return self._linear(*args, **kwargs)
        if func is functional.embedding and _is_plain_lookup(*args, **kwargs):
            return self._embedding(*args, **kwargs)
        self._note_direct((args, kwargs))
        return func(*args, **kwargs)

    def _linear(self, input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:  # noqa: A002
        y = functional.linear(input, weight, bias)
        name = self._name_of.get(id(weight))
        if name is None or input.dim() < 2 or input.shape[0] != self._batch:
            self._note_direct((weight, bias))
            return y
        y, edge = _watched(y)
        self.uses.append(LinearUse(name, self._name_of.get(id(bias)), input.detach(), edge))
        return y

    def _embedding(self, input: Tensor, weight: Tensor, *_: Any, **__: Any) -> Tensor:  # noqa: A002
        y = functional.embedding(input, weight)
        name = self._name_of.get(id(weight))
        if name is None or input.shape[0] != self._batch:
            self._note_direct((weight,))
            return y
        y, edge = _watched(y)
        self.uses.append(EmbeddingUse(name, input, weight.shape[0], edge))
        return y

    def _note_direct(self, tree: Any) -> None:
        if isinstance(tree, Tensor):
            if id(tree) in self._name_of:
                self.direct.add(self._name_of[id(tree)])
        elif isinstance(tree, (tuple, list)):
            for branch in tree:
                self._note_direct(branch)
        elif isinstance(tree, dict):
            self._note_direct(tuple(tree.values()))


def _is_plain_lookup(
    input: Tensor,  # noqa: A002, ARG001 (torch names it so)
    weight: Tensor,  # noqa: ARG001
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,  # noqa: ARG001 (of no effect without max_norm)
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> bool:
    """Whether an embedding call only looks rows up (the other options change the gradient)."""
    return padding_idx is None and max_norm is None and not (scale_grad_by_freq or sparse)


def _watched(y: Tensor) -> tuple[Tensor, GradientEdge]:
    """A layer output and the place of its gradient, unaffected by later in-place calls."""
    if y.requires_grad:
        return y, get_gradient_edge(y)
    leaf = y.requires_grad_(True)
    return leaf.clone(), get_gradient_edge(leaf)  # in-place calls on a leaf are refused by torch
