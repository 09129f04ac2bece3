"""One forward and backward pass over a batch, from which every layer's gradients are read."""

from collections.abc import Iterator
from typing import Any

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from explaind.history.layout import TensorSlot
from explaind.kernel.gradients import Use, Work

Delta = Float[Tensor, "output batch *rest"]


class BackwardPass:
    """Layer inputs and output gradients of one batch.

    Args:
        h: values of the differentiated function, `[batch]` or `[batch, output]`, with their graph.
        uses: recognised uses of parameters in the forward pass.
        batch: number of samples.
        weight: factor of the function. It goes in before the backward pass, as `1 / batch size`
            does in training: gradients then have the rounding of those that moved the parameters
            (`p - 1` of a well-fitted sample has few digits left).

    Attributes:
        batch: number of samples.
        outputs: number of outputs.
    """

    def __init__(self, h: Tensor, uses: list[Use], batch: int, weight: float) -> None:
        self.batch = batch
        self.outputs = 1 if h.dim() == 1 else h.shape[1]
        self._like = h.detach()
        self._read: dict[str, list[tuple[Use, Delta]]] = {}
        for use, delta in zip(uses, _output_gradients(h, uses, weight), strict=True):
            if delta is not None:
                for name in use.names:
                    self._read.setdefault(name, []).append((use, delta))

    def gradients(
        self, slot: TensorSlot, rows: slice, parts: list[slice]
    ) -> Iterator[Float[Tensor, "rows output size"]]:
        """Gradients of some samples, summed over the uses of a tied or reused tensor (route a).

        Args:
            slot: the tensor.
            rows: the samples.
            parts: slices of the tensor's first dimension.

        Yields:
            The gradients of every part.
        """
        uses = [use.gradient(slot.name, delta, rows) for use, delta in self._uses(slot)]
        for part in parts:
            found = [gradient(part) for gradient in uses]
            if found:
                yield found[0] if len(found) == 1 else torch.stack(found).sum(0)
            else:
                size = (part.stop - part.start) * slot.entry_size
                yield self._like.new_zeros(rows.stop - rows.start, self.outputs, size)

    def contraction(
        self, slot: TensorSlot, psi: Float[Tensor, "query size"], rows: slice
    ) -> Float64[Tensor, "rows query"]:
        """Products of the adjoint with the gradients of some samples, not formed (route c)."""
        total = psi.new_zeros(rows.stop - rows.start, len(psi), dtype=torch.float64)
        for use, delta in self._uses(slot):
            total += use.contraction(slot.name, psi, delta, rows)  # type: ignore[union-attr]
        return total

    def work(self, slot: TensorSlot) -> list[Work]:
        """Work per sample of every use of a tensor."""
        return [use.work(slot.name, delta) for use, delta in self._uses(slot)]

    def _uses(self, slot: TensorSlot) -> list[tuple[Use, Delta]]:
        return self._read.get(slot.name, [])


@torch.enable_grad()
def _output_gradients(h: Tensor, uses: list[Use], weight: float) -> list[Tensor | None]:
    """Gradients of `weight sum_batch h` by each watched layer output, `[output, batch, ...]`."""
    if not uses or not h.requires_grad:
        return [None] * len(uses)
    edges: Any = [use.edge for use in uses]
    if h.dim() == 1:
        found = torch.autograd.grad(weight * h.sum(), edges, allow_unused=True)
        return [None if delta is None else delta[None] for delta in found]
    seeds = weight * torch.eye(h.shape[1], dtype=h.dtype, device=h.device)
    return list(
        torch.autograd.grad(h.sum(0), edges, seeds, is_grads_batched=True, allow_unused=True)
    )
