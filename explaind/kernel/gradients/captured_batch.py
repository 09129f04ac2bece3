"""One forward and backward pass over a batch, from which every layer's gradients are read."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Float64, Int
from torch import Tensor
from torch.autograd.graph import GradientEdge

from explaind.history.layout import TensorSlot
from explaind.kernel.gradients.chosen_rows import mixed
from explaind.kernel.gradients.fallback import Fallback
from explaind.kernel.gradients.rule import LayerRule, Work

SINGLE_BYTES = torch.float32.itemsize

Delta = Float[Tensor, "output batch *rest"]


class CapturedBatch:
    """Layer inputs and output gradients of one batch.

    Args:
        h: values of the differentiated function, `[batch]` or `[batch, output]`.
        rules: layer rules of the calls captured in the forward pass.
        deltas: gradients of `sum_batch h` by the output of each; None where nothing depends on it.
        fallback: names of the tensors whose gradients cannot be read here.

    Attributes:
        samples: number of samples.
        outputs: number of outputs.
        fallback: as given.
        like: the values, of the type and device of everything else.
        pairs: the rules, each with its output gradients.
    """

    def __init__(
        self,
        h: Tensor,
        rules: Sequence[LayerRule],
        deltas: Sequence[Tensor | None],
        fallback: frozenset[str] = frozenset(),
    ) -> None:
        self.samples = len(h)
        self.outputs = 1 if h.dim() == 1 else h.shape[1]
        self.fallback = fallback
        self.like = h.detach()
        self.pairs = [*zip(rules, deltas, strict=True)]
        self._calls: dict[str, list[tuple[LayerRule, Delta]]] = {}
        for rule, delta in self.pairs:
            if delta is not None and delta.dtype.itemsize < SINGLE_BYTES:
                # autocast inside of the model: autograd takes the parameters in single precision
                self.fallback |= set(rule.names)
            elif delta is not None:
                for name in rule.names:
                    self._calls.setdefault(name, []).append((rule, delta))

    def of_samples(self, samples: Int[Tensor, " sample"] | slice) -> "CapturedBatch":
        """Return the same of some of the samples."""
        rules = [
            rule.with_tensors({name: value[samples] for name, value in rule.tensors().items()})
            for rule, _ in self.pairs
        ]
        deltas = [None if delta is None else delta[:, samples] for _, delta in self.pairs]
        return CapturedBatch(self.like[samples], rules, deltas, self.fallback)

    def gradients(
        self, slot: TensorSlot, rows: slice, parts: list[slice]
    ) -> Iterator[Float[Tensor, "rows output size"]]:
        """Gradients of some samples, summed over the calls of a tied or reused tensor.

        Args:
            slot: the tensor.
            rows: the samples.
            parts: slices of the tensor's first dimension.

        Yields:
            The gradients of every part.
        """
        calls = self.calls(slot)
        if not calls:
            for part in parts:
                size = (part.stop - part.start) * slot.entry_size
                yield self.like.new_zeros(rows.stop - rows.start, self.outputs, size)
            return
        terms = (rule.gradients(slot.name, delta, rows, parts) for rule, delta in calls)
        for term in zip(*terms, strict=True):
            yield term[0] if len(term) == 1 else torch.stack(term).sum(0)

    def contraction(
        self, slot: TensorSlot, psi: Float[Tensor, "query size"], rows: slice
    ) -> Float64[Tensor, "rows query"]:
        """Return the products of the adjoint with the gradients of some samples, not formed."""
        total = psi.new_zeros(rows.stop - rows.start, len(psi), dtype=torch.float64)
        for rule, delta in self.calls(slot):
            total += rule.contraction(slot.name, psi, delta, rows)
        return total

    def work(self, slot: TensorSlot) -> list[Work]:
        """Return the work per sample of every call that uses a tensor."""
        return [rule.work(slot.name, delta) for rule, delta in self.calls(slot)]

    def calls(self, slot: TensorSlot) -> list[tuple[LayerRule, Delta]]:
        """Return the layer calls that use a tensor, with their output gradients.

        None of a tensor that is left to the fallback.
        """
        return [] if slot.name in self.fallback else self._calls.get(slot.name, [])


class Portion(NamedTuple):
    """Samples that are part of a larger batch.

    Attributes:
        captured: what was captured of them.
        places: where they are in the larger one.
        weights: weights of their gradients.
    """

    captured: CapturedBatch
    places: Int[Tensor, " sample"]
    weights: Float[Tensor, " sample"]

    def calls(self) -> list[tuple[LayerRule, Delta | None]]:
        """Return the captured calls, with weighted output gradients."""
        return [
            (
                rule,
                None if delta is None else delta * self.weights.view(-1, *[1] * (delta.dim() - 2)),
            )
            for rule, delta in self.captured.pairs
        ]


def joined(portions: Sequence[Portion], samples: int) -> CapturedBatch:
    """Join captured batches of the same calls.

    Args:
        portions: the batches.
        samples: samples of the whole; those in no portion have no gradients.

    Returns:
        The whole.
    """

    def whole(values: Sequence[Tensor | None], dim: int) -> Tensor | None:
        like = next((value for value in values if value is not None), None)
        if like is None:
            return None
        made = like.new_zeros([*like.shape[:dim], samples, *like.shape[dim + 1 :]])
        for value, portion in zip(values, portions, strict=True):
            if value is not None:
                made.index_copy_(dim, portion.places, value)
        return made

    rules, deltas = [], []
    for calls in zip(*(portion.calls() for portion in portions), strict=True):
        tensors = [rule.tensors() for rule, _ in calls]
        fields = {name: whole([one[name] for one in tensors], 0) for name in tensors[0]}
        rules.append(calls[0][0].with_tensors(fields))
        deltas.append(whole([delta for _, delta in calls], 1))
    first = portions[0].captured
    h = first.like.new_zeros(samples, *first.like.shape[1:])
    return CapturedBatch(h, rules, deltas, first.fallback)


@torch.enable_grad()
def differentiated(
    h: Tensor,
    rules: list[LayerRule],
    places: Sequence[GradientEdge],
    fallback: Fallback,
    weight: float,
    chooses: bool,
) -> CapturedBatch:
    """Make the backward pass of a captured forward pass.

    Args:
        h: values of the differentiated function, `[batch]` or `[batch, output]`, with their graph.
        rules: layer rules of the calls captured in the forward pass.
        places: where the gradient by the output of each is found.
        fallback: names of the tensors whose gradients cannot be read here, and whether torch can
            batch the backward passes of several outputs.
        weight: factor of the function. It goes in before the backward pass, as `1 / batch size`
            does in training: gradients then have the rounding of those that moved the parameters
            (`p - 1` of a well-fitted sample has few digits left).
        chooses: whether the function may choose among rows: those of all rules are then looked at.

    Returns:
        What was captured; those of rules whose rows are not the samples are left to the fallback.
    """
    deltas, names = output_gradients(h, places, weight, fallback.batched, chooses), fallback.names
    if chooses and rules and h.requires_grad:
        found = zip(rules, mixed(h, places, deltas, weight), strict=True)
        names |= {name for rule, is_mixed in found if is_mixed for name in rule.names}
    return CapturedBatch(h, rules, deltas, names)


def output_gradients(
    h: Tensor,
    places: Sequence[GradientEdge | Tensor],
    weight: float = 1.0,
    batched: bool = True,
    kept: bool = False,
) -> list[Tensor | None]:
    """Gradients of `weight sum_batch h` by each watched layer output, `[output, batch, ...]`.

    Args:
        h: the values.
        places: where they are found.
        weight: the factor.
        batched: whether torch can batch the backward passes of several outputs.
        kept: whether the graph is needed afterwards.

    Returns:
        The gradients; None where nothing depends on an output.
    """
    if not places or not h.requires_grad:
        return [None] * len(places)
    edges: Any = list(places)
    if h.dim() == 1:
        deltas = torch.autograd.grad(weight * h.sum(), edges, retain_graph=kept, allow_unused=True)
        return [None if delta is None else delta[None] for delta in deltas]
    if not batched:
        rows = [
            torch.autograd.grad(weight * output, edges, retain_graph=True, allow_unused=True)
            for output in h.sum(0)
        ]
        return [_stacked(deltas) for deltas in zip(*rows, strict=True)]
    seeds = weight * torch.eye(h.shape[1], dtype=h.dtype, device=h.device)
    options: Any = {"is_grads_batched": True, "retain_graph": kept, "allow_unused": True}
    return list(torch.autograd.grad(h.sum(0), edges, seeds, **options))


def _stacked(deltas: tuple[Tensor | None, ...]) -> Tensor | None:
    """Gradients of several outputs, of which some may not depend on a layer."""
    like = next((delta for delta in deltas if delta is not None), None)
    if like is None:
        return None
    return torch.stack([torch.zeros_like(like) if delta is None else delta for delta in deltas])
