"""The fallback: per-sample gradients of tensors that no layer rule reads.

They are formed by `vmap(jacrev)` where torch can batch the model, and by one plain autograd call
per sample where it cannot: any model that can be trained can be differentiated in that way.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor

from explaind.trees import Inputs, Targets, batch_size, rows_of

OutputsOfOne = Callable[[Mapping[str, Tensor], Inputs, Targets], Float[Tensor, " output"]]
"""`(parameters, x, y) -> outputs` of a batch of one sample."""

GradientsOfMany = Callable[
    [Mapping[str, Tensor], Inputs, Targets], Mapping[str, Float[Tensor, "batch output ..."]]
]
"""`(parameters, x, y) -> gradients by name` of all samples of a batch."""

Holding = Callable[[Mapping[str, Tensor]], AbstractContextManager[None]]
"""Puts parameters in the places of the model's own, for a while."""


@dataclass(frozen=True)
class Fallback:
    """Which tensors take the fallback, and how.

    Attributes:
        names: tensors that take it whatever the layer capture says.
        shared: whether a look-up that all samples share, of positions say, is read off by its rule.
            The rule makes it one of each sample, which a model may not stand.
        batched: whether torch's transforms (`vmap`, a second derivative) can take the model. If
            not, there is one autograd call per sample and output.
        settled: whether `names` are all that a check on a few samples found.
        reason: why not, in torch's words.
    """

    names: frozenset[str] = frozenset()
    batched: bool = True
    shared: bool = field(default=True, compare=False)
    settled: bool = field(default=False, compare=False)
    reason: str = field(default="", compare=False)

    def batches(self, names: frozenset[str]) -> bool:
        """Return whether torch's transforms can take the model, if these tensors need them.

        A tensor that the check did not find is used in another way by another batch: what is done
        depends on values, which no transform can follow.
        """
        return self.batched and not (self.settled and names - self.names)

    def __str__(self) -> str:
        """Return what the log says."""
        names = sorted(self.names)
        if self.batched:
            return f"per-sample gradients by vmap (no layer rule): {names}"
        return (
            f"per-sample gradients by one autograd call per sample, which is slow: {names}. They"
            f" have no layer rule, and torch cannot batch the model: {self.reason}"
        )


BY_VMAP = Fallback()
"""The fallback as long as nothing else is known of a model."""


def one_by_one(outputs: OutputsOfOne, holding: Holding) -> GradientsOfMany:
    """Return what `vmap(jacrev(outputs))` computes, by plain autograd calls.

    Args:
        outputs: outputs of one sample.
        holding: holds the parameters during the backward pass as well, in which activation
            checkpointing calls the model again.

    Returns:
        The function.
    """

    @torch.enable_grad()
    def gradients(
        chosen: Mapping[str, Tensor], x: Inputs, y: Targets
    ) -> Mapping[str, Float[Tensor, "batch output ..."]]:
        leaves = {name: tensor.detach().requires_grad_(True) for name, tensor in chosen.items()}
        rows = []
        for i in range(batch_size(x)):
            with holding(leaves):
                sample = rows_of((x, y), i, i + 1)
                rows.append(jacobian(outputs(leaves, *sample), leaves))
        return {
            name: torch.stack([row[place] for row in rows]) for place, name in enumerate(leaves)
        }

    return gradients


def dense_gradients(output: Tensor, leaves: Mapping[str, Tensor]) -> list[Tensor]:
    """Return the gradients of a scalar, dense where torch returns them sparse; the graph is kept.

    Args:
        output: the scalar.
        leaves: what to differentiate by.

    Returns:
        The gradients, in the order of the leaves.
    """
    found = torch.autograd.grad(
        output, list(leaves.values()), retain_graph=True, materialize_grads=True
    )
    return [gradient.to_dense() if gradient.is_sparse else gradient for gradient in found]


def jacobian(outputs: Float[Tensor, " output"], leaves: Mapping[str, Tensor]) -> list[Tensor]:
    """Return the gradients of all outputs of one sample, `[output, ...]`, by leaf in order."""
    if not outputs.requires_grad:  # the outputs depend on none of them
        return [leaf.new_zeros(len(outputs), *leaf.shape) for leaf in leaves.values()]
    by_output = [dense_gradients(output, leaves) for output in outputs]
    return [torch.stack(gradients) for gradients in zip(*by_output, strict=True)]
