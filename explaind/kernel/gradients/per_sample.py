"""Gradients of every sample of a batch with respect to every parameter tensor."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor
from torch.func import jacrev, vmap

from explaind.history.layout import ParameterLayout
from explaind.kernel.gradients.capture import LayerCapture
from explaind.kernel.gradients.captured_batch import CapturedBatch, differentiated
from explaind.kernel.gradients.fallback import (
    BY_VMAP,
    Fallback,
    OutputsOfOne,
    jacobian,
    one_by_one,
)
from explaind.kernel.gradients.watched import Edges
from explaind.kernel.nonsmooth.secant import SecantEnds, recorded, secant_slopes
from explaind.trees import Inputs, Targets, batch_size, map_leaves, rows_of


@runtime_checkable
class Function(Protocol):
    """What can be differentiated: `(parameters, x, y) -> [batch]` or `[batch, output]`.

    Attributes:
        state: state of the generators that it draws from, if it draws: a function of a whole batch.
    """

    state: Tensor | None

    def drawing(self, state: Tensor | None) -> "Function":
        """Return the same function with random numbers drawn from a state."""

    def __call__(self, params: Mapping[str, Tensor], x: Inputs, y: Targets) -> Tensor:
        """Evaluate on a batch."""

    def holding(self, params: Mapping[str, Tensor]) -> AbstractContextManager[None]:
        """Hold the parameters for longer than a call, for what calls the model once more."""


Gradients = Iterator[tuple[slice, slice, Float[Tensor, "rows output size"]]]
"""Positions in the parameter vector, samples of the batch, and their gradients."""


class PerSampleGradients:
    """Per-sample gradients of a function, tensor by tensor.

    Most tensors are read off one batched backward pass by a layer rule (see `capture`); all others
    go through the fallback.

    Args:
        function: the function to differentiate.
        layout: the parameter layout.
        fallback: tensors that take the fallback whatever the capture says, and how.

    Attributes:
        fallback: as given.
    """

    def __init__(
        self,
        function: Function,
        layout: ParameterLayout,
        fallback: Fallback = BY_VMAP,
    ) -> None:
        self.function = function
        self.layout = layout
        self.fallback = fallback

    def with_fallback(self, fallback: Fallback) -> "PerSampleGradients":
        """Return the same gradients with another fallback."""
        return PerSampleGradients(self.function, self.layout, fallback)

    def of(self, function: Function) -> "PerSampleGradients":
        """Return the same ways to the gradients of another function."""
        return PerSampleGradients(function, self.layout, self.fallback)

    def capture(
        self,
        theta: Float[Tensor, " param"],
        x: Inputs,
        y: Targets,
        ends: SecantEnds | None = None,
        weight: float = 1.0,
    ) -> CapturedBatch:
        """Forward and backward pass of a whole batch at once, as in training.

        In float32 the outputs of a well-fitted sample depend on the batch it is computed in.

        Args:
            theta: parameters at which to differentiate.
            x: inputs, batch first.
            y: targets, batch first.
            ends: if given, piecewise-linear ops pass gradients with their secant slopes between
                these ends.
            weight: factor of the function (see `differentiated`).

        Returns:
            Layer inputs and output gradients.
        """
        params, names = self.layout.unflatten(theta), self.fallback.names
        if len(names) == len(self.layout.slots):  # nothing to capture, and perhaps no model for it
            with torch.no_grad():
                return CapturedBatch(self.function(params, x, y), [], [], names)
        watched = Edges()
        capture = LayerCapture(params, x, self.fallback.shared, watched)
        with torch.enable_grad(), self.function.holding(params):
            with capture, secant_slopes(ends):
                h = self.function(params, x, y)
            found = names | capture.fallback
            batched = self.fallback.batches(found)
            fallback = replace(self.fallback, names=found, batched=batched)
            places = watched.places
            return differentiated(h, capture.rules, places, fallback, weight, capture.chooses)

    def __call__(
        self,
        theta: Float[Tensor, " param"],
        x: Inputs,
        y: Targets,
        ends: SecantEnds | None = None,
        weight: float = 1.0,
        limit: int | None = None,
    ) -> Gradients:
        """Yield the gradients of each parameter tensor, some samples at a time.

        Args:
            theta: see `capture`; so for `x`, `y`, `ends` and `weight`.
            x: inputs.
            y: targets.
            ends: secant ends.
            weight: factor of the function.
            limit: most numbers to yield at a time; by default all samples of a tensor.

        Yields:
            The tensor's positions in the parameter vector, the samples, and their gradients.
        """
        captured = self.capture(theta, x, y, ends, weight)
        for slot in self.layout.slots:
            if slot.name not in captured.fallback:
                columns = slice(slot.start, slot.stop)
                width = captured.outputs * (slot.stop - slot.start)
                for rows in row_slices(captured.samples, width, limit):
                    for gradient in captured.gradients(slot, rows, [slice(0, slot.entries)]):
                        yield columns, rows, gradient
        if captured.fallback:
            yield from self.by_fallback(captured.fallback, theta, x, y, ends, weight, limit)

    def by_fallback(
        self,
        names: frozenset[str],
        theta: Float[Tensor, " param"],
        x: Inputs,
        y: Targets,
        ends: SecantEnds | None = None,
        weight: float = 1.0,
        limit: int | None = None,
    ) -> Gradients:
        """Yield the gradients of these tensors, whatever the model does with them.

        Args:
            names: the tensors.
            theta: see `__call__`; so for all others.
            x: inputs.
            y: targets.
            ends: secant ends.
            weight: factor of the function.
            limit: most numbers to hold at a time.

        Yields:
            The tensor's positions in the parameter vector, the samples, and their gradients.
        """
        params = self.layout.unflatten(theta)
        if self.function.state is not None:
            yield from self._in_one_pass(names, params, x, y, weight, limit)
        else:
            yield from self._sample_by_sample(names, params, x, y, ends, weight, limit)

    def _sample_by_sample(
        self,
        names: frozenset[str],
        params: Mapping[str, Tensor],
        x: Inputs,
        y: Targets,
        ends: SecantEnds | None,
        weight: float,
        limit: int | None,
    ) -> Gradients:
        """A pass of every sample alone, all at once where torch can batch them.

        Args:
            names: the tensors.
            params: all parameters by name.
            x: inputs.
            y: targets.
            ends: secant ends.
            weight: factor of the function.
            limit: most numbers to hold at a time.

        Yields:
            What `by_fallback` does.
        """
        chosen = {name: params[name] for name in names}
        rest = {name: tensor for name, tensor in params.items() if name not in names}
        width = sum(tensor.numel() for tensor in chosen.values())
        single = partial(self._outputs_of_one, rest, ends, weight)
        if self.fallback.batches(names):
            gradient = vmap(jacrev(_of_rows(single)), in_dims=(None, 0, 0))
        else:
            gradient = one_by_one(single, lambda own: self.function.holding({**rest, **own}))
        for rows in row_slices(batch_size(x), width, limit):
            by_name = gradient(
                chosen, rows_of(x, rows.start, rows.stop), rows_of(y, rows.start, rows.stop)
            )
            yield from self._by_slot(by_name, rows)

    def _in_one_pass(
        self,
        names: frozenset[str],
        params: Mapping[str, Tensor],
        x: Inputs,
        y: Targets,
        weight: float,
        limit: int | None,
    ) -> Gradients:
        """One forward pass of the whole batch, whose samples draw in their places there.

        Args:
            names: the tensors.
            params: all parameters by name.
            x: inputs.
            y: targets.
            weight: factor of the function.
            limit: most numbers to hold at a time.

        Yields:
            What `by_fallback` does.
        """
        leaves = {name: params[name].detach().requires_grad_(True) for name in names}
        held = {**params, **leaves}
        with torch.enable_grad(), self.function.holding(held):
            h = weight * self.function(held, x, y)
        width = sum(leaf.numel() for leaf in leaves.values())
        for rows in row_slices(len(h), width, limit):
            with torch.enable_grad(), self.function.holding(held):
                jacobians = [jacobian(h[i].reshape(-1), leaves) for i in range(len(h))[rows]]
            by_name = {
                name: torch.stack([row[place] for row in jacobians])
                for place, name in enumerate(leaves)
            }
            yield from self._by_slot(by_name, rows)

    def _by_slot(
        self, by_name: Mapping[str, Float[Tensor, "rows output ..."]], rows: slice
    ) -> Gradients:
        """Gradients by name, flat and in the order of the layout."""
        for slot in self.layout.slots:
            if slot.name in by_name:
                values = by_name[slot.name]
                flat = values.flatten(2) if slot.shape else values[..., None]
                yield slice(slot.start, slot.stop), rows, flat

    def _outputs_of_one(
        self,
        rest: Mapping[str, Tensor],
        ends: SecantEnds | None,
        weight: float,
        chosen: Mapping[str, Tensor],
        x: Inputs,
        y: Targets,
    ) -> Tensor:
        """Weighted outputs of a batch of one sample as a function of some of the parameters."""
        if ends is not None:  # the ops of this sample alone, as vmap batches them
            start, end = (
                recorded(self.function, self.layout.unflatten(theta), x, y)[1]
                for theta in (ends.start, ends.end)
            )
            ends = SecantEnds(ends.start, ends.end, start, end)
        with secant_slopes(ends):
            return (weight * self.function({**rest, **chosen}, x, y)[0]).reshape(-1)


def row_slices(samples: int, width: int, limit: int | None) -> list[slice]:
    """Divide the samples so that `width` numbers for each stay below the limit.

    Args:
        samples: number of samples.
        width: numbers for each of them.
        limit: most numbers at a time; None = no limit.

    Returns:
        Consecutive slices of at least one sample.
    """
    size = samples if limit is None else max(1, min(samples, limit // max(1, width)))
    return [slice(start, min(start + size, samples)) for start in range(0, samples, size)]


def _of_rows(outputs: OutputsOfOne) -> OutputsOfOne:
    """The same function of a sample without a batch axis, as `vmap` cuts it."""
    return lambda chosen, *sample: outputs(chosen, *map_leaves(lambda leaf: leaf[None], sample))
