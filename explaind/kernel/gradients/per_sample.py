"""Gradients of every sample of a batch with respect to every parameter tensor."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.func import jacrev, vmap

from explaind.history.layout import ParameterLayout, TensorSlot
from explaind.kernel.gradients.backward_pass import BackwardPass
from explaind.kernel.gradients.capture import CaptureUses
from explaind.kernel.nonsmooth.secant import Kink, ReplayKinks, recorded
from explaind.trees import rows_of

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

    Most layers are read off one batched backward pass (see `capture`); all other parameters go
    through `vmap(jacrev)`.

    Args:
        function: the function to differentiate.
        layout: the parameter layout.
    """

    def __init__(self, function: Function, layout: ParameterLayout) -> None:
        self.function = function
        self.layout = layout
        self._forced: frozenset[str] = frozenset()

    def force_fallback(self, names: frozenset[str]) -> None:
        """Send these tensors through `vmap(jacrev)` whatever the capture says."""
        self._forced = names

    def backward_pass(
        self,
        theta: Float[Tensor, " param"],
        x: Any,
        y: Any,
        ends: SecantEnds | None = None,
        weight: float = 1.0,
    ) -> tuple[BackwardPass, frozenset[str]]:
        """Forward and backward pass of a whole batch at once, as in training.

        In float32 the outputs of a well-fitted sample depend on the batch it is computed in.

        Args:
            theta: parameters at which to differentiate.
            x: inputs, batch first.
            y: targets, batch first.
            ends: if given, kinked functions pass gradients with their secant slopes between these
                ends.
            weight: factor of the function (see `BackwardPass`).

        Returns:
            The pass, and the names of the tensors that cannot be read from it.
        """
        params = self.layout.unflatten(theta)
        batch = len(torch.utils._pytree.tree_leaves(y)[0])
        with torch.enable_grad(), CaptureUses(params, batch) as capture:
            if ends is None:
                h = self.function(params, x, y)
            else:
                with ReplayKinks(ends.start_kinks, ends.end_kinks):
                    h = self.function(params, x, y)
        return BackwardPass(h, capture.uses, batch, weight), self._forced | capture.direct

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

        Args:
            theta: see `backward_pass`; so for `x`, `y`, `ends` and `weight`.
            x: inputs.
            y: targets.
            ends: secant ends.
            weight: factor of the function.
            limit: most numbers to yield at a time; by default all samples of a tensor.

        Yields:
            The tensor's slot, the samples of the batch, and their gradients.
        """
        passed, general = self.backward_pass(theta, x, y, ends, weight)
        for slot in self.layout.slots:
            if slot.name not in general:
                width = passed.outputs * (slot.stop - slot.start)
                for rows in row_slices(passed.batch, width, limit):
                    (gradient,) = passed.gradients(slot, rows, [slice(0, slot.entries)])
                    yield slot, rows, gradient
        if general:
            yield from self.general(general, theta, x, y, ends, weight, limit)

    def general(
        self,
        names: frozenset[str],
        theta: Float[Tensor, " param"],
        x: Any,
        y: Any,
        ends: SecantEnds | None = None,
        weight: float = 1.0,
        limit: int | None = None,
    ) -> Iterator[tuple[TensorSlot, slice, Float[Tensor, "rows output size"]]]:
        """The gradients of these tensors by `vmap(jacrev)`, for any model that vmap can batch."""
        params = self.layout.unflatten(theta)
        chosen = {name: params[name] for name in names}
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

        width = sum(tensor.numel() for tensor in chosen.values())
        gradient = vmap(jacrev(single), in_dims=(None, 0, 0))
        for rows in row_slices(len(torch.utils._pytree.tree_leaves(y)[0]), width, limit):
            found = gradient(
                chosen, rows_of(x, rows.start, rows.stop), rows_of(y, rows.start, rows.stop)
            )
            for slot in self.layout.slots:
                if slot.name in names:
                    yield (
                        slot,
                        rows,
                        found[slot.name].flatten(2) if slot.shape else found[slot.name][..., None],
                    )


def row_slices(batch: int, width: int, limit: int | None) -> list[slice]:
    """Divide the samples so that `width` numbers for each stay below the limit."""
    size = batch if limit is None else max(1, min(batch, limit // max(1, width)))
    return [slice(start, min(start + size, batch)) for start in range(0, batch, size)]


def _with_batch(tree: Any) -> Any:
    return torch.utils._pytree.tree_map(lambda leaf: leaf[None], tree)
