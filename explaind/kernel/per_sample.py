"""Gradients of every sample of a batch with respect to every parameter tensor."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.func import jacrev, vmap

from explaind.history.guards import rows_of
from explaind.history.layout import ParameterLayout, TensorSlot
from explaind.kernel.capture import CaptureUses, Use
from explaind.kernel.secant import Kink, ReplayKinks, recorded

Function = Callable[[Mapping[str, Tensor], Any, Any], Tensor]
"""`(parameters, x, y) -> [batch]` or `[batch, output]`."""


@dataclass(frozen=True)
class SecantEnds:
    """The two ends of a subinterval of a step, for the slopes of kinked functions.

    Attributes:
        start: parameters at the start, by name.
        end: parameters at the end, by name.
        start_kinks: kinked calls of the batched forward pass at the start.
        end_kinks: the same at the end.
    """

    start: Mapping[str, Tensor]
    end: Mapping[str, Tensor]
    start_kinks: list[Kink]
    end_kinks: list[Kink]


class PerSampleGradients:
    """Per-sample gradients of a function, tensor by tensor.

    Linear and embedding layers are read off one batched backward pass (see `capture`); all other
    parameters go through `vmap(jacrev)`.

    Args:
        function: the function to differentiate.
        layout: the parameter layout.

    Attributes:
        direct: tensors that the last call sent through `vmap(jacrev)`.
    """

    def __init__(self, function: Function, layout: ParameterLayout) -> None:
        self.function = function
        self.layout = layout
        self._forced: frozenset[str] = frozenset()
        self.direct: set[str] | frozenset[str] = frozenset()

    def force_fallback(self, names: frozenset[str]) -> None:
        """Send these tensors through `vmap(jacrev)` whatever the capture says."""
        self._forced = names

    def __call__(
        self,
        theta: Float[Tensor, " param"],
        x: Any,
        y: Any,
        ends: SecantEnds | None = None,
        weight: float = 1.0,
        limit: int | None = None,
    ) -> Iterator[tuple[TensorSlot, slice, Float[Tensor, "rows output size"]]]:
        """Yield the gradients of each parameter tensor, some samples at a time.

        The forward and backward passes see the whole batch at once, as in training: in float32,
        the outputs of a well-fitted sample depend on the batch it is computed in.

        Args:
            theta: parameters at which to differentiate.
            x: inputs, batch first.
            y: targets, batch first.
            ends: if given, kinked functions pass gradients with their secant slopes between these
                ends.
            weight: factor of the function. It goes in before the backward pass, as `1 / batch size`
                does in training: gradients then have the rounding of those that moved the
                parameters (`p - 1` of a well-fitted sample has few digits left).
            limit: most numbers to yield at a time; by default all samples of a tensor.

        Yields:
            The tensor's slot, the samples of the batch, and their gradients.
        """
        params = self.layout.unflatten(theta)
        batch = len(torch.utils._pytree.tree_leaves(y)[0])
        with torch.enable_grad(), CaptureUses(params, batch) as capture:
            if ends is None:
                h = self.function(params, x, y)
            else:
                with ReplayKinks(ends.start_kinks, ends.end_kinks):
                    h = self.function(params, x, y)
        self.direct = direct = capture.direct | self._forced
        uses = _by_tensor(capture.uses)
        deltas = _output_gradients(h, capture.uses, weight)
        outputs = 1 if h.dim() == 1 else h.shape[1]
        for slot in self.layout.slots:
            if slot.name in direct:
                continue
            for rows in _row_slices(batch, outputs * (slot.stop - slot.start), limit):
                shape = (rows.stop - rows.start, outputs)
                found = _summed(slot, uses.get(slot.name, []), deltas, rows)
                yield (
                    slot,
                    rows,
                    theta.new_zeros(*shape, slot.stop - slot.start) if found is None else found,
                )
        if direct:
            width = outputs * sum(params[name].numel() for name in direct)
            for rows in _row_slices(batch, width, limit):
                for slot, gradient in self._general(
                    direct, params, _take((x, y), rows), ends, weight
                ):
                    yield slot, rows, gradient

    def _general(
        self,
        names: set[str] | frozenset[str],
        params: Mapping[str, Tensor],
        batch: tuple[Any, Any],
        ends: SecantEnds | None,
        weight: float,
    ) -> Iterator[tuple[TensorSlot, Tensor]]:
        """The gradients of these tensors by `vmap(jacrev)`, for any model that vmap can batch."""
        rest = {name: tensor for name, tensor in params.items() if name not in names}

        def single(chosen: dict[str, Tensor], x_i: Any, y_i: Any) -> Tensor:
            one_x, one_y = _with_batch(x_i), _with_batch(y_i)

            def at(values: Mapping[str, Tensor]) -> Tensor:
                return weight * self.function(values, one_x, one_y)[0]

            if ends is None:
                return at({**rest, **chosen}).reshape(-1)
            _, start = recorded(lambda: at(ends.start))
            _, end = recorded(lambda: at(ends.end))
            with ReplayKinks(start, end):
                return at({**rest, **chosen}).reshape(-1)

        chosen = {name: params[name] for name in names}
        gradients = vmap(jacrev(single), in_dims=(None, 0, 0))(chosen, *batch)
        for slot in self.layout.slots:
            if slot.name in names:
                yield slot, gradients[slot.name].flatten(2)


def _by_tensor(uses: list[Use]) -> dict[str, list[tuple[int, Use]]]:
    found: dict[str, list[tuple[int, Use]]] = {}
    for position, use in enumerate(uses):
        found.setdefault(use.weight, []).append((position, use))
        bias = getattr(use, "bias", None)
        if bias is not None:
            found.setdefault(bias, []).append((position, use))
    return found


@torch.enable_grad()
def _output_gradients(h: Tensor, uses: list[Use], weight: float) -> list[Tensor | None]:
    """Gradients of `weight sum_batch h` by each watched layer output, `[output, batch, ...]`."""
    if not uses or not h.requires_grad:
        return [None] * len(uses)
    edges = [use.edge for use in uses]
    if h.dim() == 1:
        found = torch.autograd.grad(weight * h.sum(), edges, allow_unused=True)
        return [None if delta is None else delta[None] for delta in found]
    seeds = weight * torch.eye(h.shape[1], dtype=h.dtype, device=h.device)
    return list(
        torch.autograd.grad(h.sum(0), edges, seeds, is_grads_batched=True, allow_unused=True)
    )


def _summed(
    slot: TensorSlot, uses: list[tuple[int, Use]], deltas: list[Tensor | None], rows: slice
) -> Tensor | None:
    """Sum a tensor's gradients over its uses (tied and reused weights have several)."""
    total: Tensor | None = None
    for position, use in uses:
        delta = deltas[position]
        if delta is not None:
            gradient = use.gradient(slot.name, delta, rows)
            total = gradient if total is None else total + gradient
    return total


def _row_slices(batch: int, width: int, limit: int | None) -> list[slice]:
    """Divide the samples so that `width` numbers for each stay below the limit."""
    size = batch if limit is None else max(1, min(batch, limit // width))
    return [slice(start, min(start + size, batch)) for start in range(0, batch, size)]


def _take(batch: tuple[Any, Any], rows: slice) -> tuple[Any, Any]:
    x, y = batch
    return rows_of(x, rows.start, rows.stop), rows_of(y, rows.start, rows.stop)


def _with_batch(tree: Any) -> Any:
    return torch.utils._pytree.tree_map(lambda leaf: leaf[None], tree)
