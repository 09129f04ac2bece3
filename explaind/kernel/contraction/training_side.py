"""The training side of a step: the adjoint contracted with per-sample loss gradients."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float, Float64, Int
from torch import Tensor

from explaind.history.forward_passes import ForwardPass
from explaind.history.layout import TensorSlot
from explaind.kernel.contraction.precision import PIECE, Contraction
from explaind.kernel.contraction.routes import Route, cheapest, fallback_costs, layer_costs
from explaind.kernel.contraction.training_data import TrainingData
from explaind.kernel.gradients.captured_batch import CapturedBatch
from explaind.kernel.gradients.fallback import dense_gradients
from explaind.kernel.gradients.linearised import LinearisedBatch
from explaind.kernel.gradients.per_sample import PerSampleGradients, row_slices
from explaind.kernel.trajectory.adjoint import GradientAdjoint
from explaind.trees import Inputs, Targets

WORKING_BYTES = 16 * 2**20
"""Memory for one tensor's per-sample gradients; larger batches are read in blocks of samples."""


FORMED_TOGETHER = 2**18
"""Numbers of one tensor's gradients that are formed at a time: they stay in the cache."""


class _Batch(NamedTuple):
    """A batch of training samples and the parameters before its step.

    Attributes:
        gradients: gradients of their losses.
        theta: parameters before the step.
        x: inputs.
        y: targets.
        weight: a weight of all samples in the loss.
    """

    gradients: PerSampleGradients
    theta: Float[Tensor, " param"]
    x: Inputs
    y: Targets
    weight: float


class TrainingSide:
    """Contracts the adjoint with the loss gradients of a batch, by the cheapest routes.

    Args:
        gradients: per-sample gradients of the training loss.
        data: the training samples.
        route: a route to use wherever it exists, in place of the cheapest one.
        contraction: precision of the products; by default that of the computation. A reduced one
            takes the route through the gradients.

    Attributes:
        contraction: as given.
    """

    def __init__(
        self,
        gradients: PerSampleGradients,
        data: TrainingData,
        route: Route | None = None,
        contraction: Contraction | None = None,
    ) -> None:
        self.contraction = contraction or Contraction()
        self._gradients = gradients
        self._data = data
        self._route: Route | None = "gradients" if self.contraction.reduced else route
        layout = gradients.layout
        self._component = {
            slot.name: layout.components.index(slot.component) for slot in layout.slots
        }

    @property
    def samples(self) -> int:
        """Number of training samples, `N`."""
        return len(self._data)

    def exact(self) -> "TrainingSide":
        """Return the same training side with products in full precision, by the same routes."""
        return TrainingSide(self._gradients, self._data, self._route, self.contraction.exact())

    def contract(
        self,
        psi: GradientAdjoint,
        theta: Float[Tensor, " param"],
        step: int,
        index: Int[Tensor, " batch"],
        weights: Float64[Tensor, " batch"],
        clip: float,
        passes: Sequence[ForwardPass] | None = None,
        by_component: bool = True,
    ) -> Float64[Tensor, "component batch query"]:
        """Influence of every sample of a batch on every query, by component.

        Args:
            psi: adjoint of the gradient.
            theta: parameters before the step.
            step: the step.
            index: the samples of the batch.
            weights: their weights in the loss, `w_{s,i}`.
            clip: gradient-clipping factor, `kappa_s`.
            passes: the forward passes they were in; by default one.
            by_component: whether components are told apart; else there is one, their sum.

        Returns:
            `kappa_s w_{s,i} <psi_s[q], grad l_i(theta_s)>` restricted to each component.
        """
        components = len(set(self._component.values()))
        kept = components if by_component else 1
        influence = psi.matrix.new_zeros(kept, len(index), len(psi.matrix), dtype=torch.float64)
        places = influence.expand(components, -1, -1)  # all the same one if not told apart
        largest = float(weights.abs().max()) or 1.0
        for one in passes or [ForwardPass(slice(0, len(index)))]:
            batch = self._batch(theta, step, index, one, largest)
            self._through_all(batch, psi.matrix, places[:, one.rows])
        if bool((weights != largest).any()):
            influence.mul_((weights / largest).to(influence.device)[:, None])
        return influence.mul_(clip * psi.factor)

    def _batch(
        self,
        theta: Float[Tensor, " param"],
        step: int,
        index: Int[Tensor, " batch"],
        one: ForwardPass,
        weight: float = 1.0,
    ) -> _Batch:
        """The samples of a forward pass as it saw them, and a loss that draws as it did."""
        function = self._gradients.function.drawing(one.draws.get("forward"))
        samples = self._data.fetch(index[one.rows], step, one.draws)
        return _Batch(self._gradients.of(function), theta, *samples, weight)

    def _through_all(
        self,
        batch: _Batch,
        psi: Float[Tensor, "query param"],
        places: Float64[Tensor, "component batch query"],
    ) -> None:
        """Add the influence through all tensors."""
        captured = batch.gradients.capture(*batch[1:4], weight=batch.weight)
        for slot in self._gradients.layout.slots:
            if slot.name not in captured.fallback:
                adjoint = psi[:, slot.start : slot.stop]
                self._through_layer(captured, slot, adjoint, places[self._component[slot.name]])
        if captured.fallback:
            self._through_fallback(captured.fallback, batch, psi, places)

    def _through_layer(
        self,
        captured: CapturedBatch,
        slot: TensorSlot,
        adjoint: Float[Tensor, "query size"],
        place: Float64[Tensor, "batch query"],
    ) -> None:
        """Add the influence through a tensor that a layer rule reads."""
        works, limit = captured.work(slot), WORKING_BYTES // adjoint.element_size()
        costs = layer_costs(works, len(adjoint))
        if cheapest(costs, self._route) == "contracted":
            width = len(adjoint) * max((work.between for work in works), default=1)
            for rows in row_slices(captured.samples, width, limit):
                place[rows] += captured.contraction(slot, adjoint, rows)
            return
        entry = slot.entry_size
        needed = min(slot.stop - slot.start, max(PIECE, entry, *(work.read for work in works)))
        for rows in row_slices(captured.samples, needed, limit):
            width = max(PIECE, entry, FORMED_TOGETHER // (rows.stop - rows.start))
            parts = row_slices(slot.entries, entry, width)
            for part, gradient in zip(parts, captured.gradients(slot, rows, parts), strict=True):
                columns = slice(part.start * entry, part.stop * entry)
                self.contraction.addmm_(place[rows], gradient[:, 0], adjoint[:, columns])

    def _through_fallback(
        self,
        names: frozenset[str],
        batch: _Batch,
        psi: Float[Tensor, "query param"],
        places: Float64[Tensor, "component batch query"],
    ) -> None:
        """Add the influence through all tensors without a layer rule."""
        slots = [slot for slot in self._gradients.layout.slots if slot.name in names]
        held: dict[int, list[TensorSlot]] = {}
        for slot in slots:
            held.setdefault(self._component[slot.name], []).append(slot)
        drawing = batch.gradients.function.state is not None
        costs = fallback_costs(
            len(psi),
            len(held),
            batch.gradients.fallback.batches(names),
            places.shape[1] if drawing else None,
        )
        if cheapest(costs, self._route) == "gradients":
            component = {slot.start: self._component[slot.name] for slot in slots}
            limit = WORKING_BYTES // psi.element_size()
            for columns, rows, gradient in batch.gradients.by_fallback(
                names, *batch[1:4], weight=batch.weight, limit=limit
            ):
                place = places[component[columns.start], rows]
                self.contraction.addmm_(place, gradient[:, 0], psi[:, columns])
            return
        function, layout = batch.gradients.function, batch.gradients.layout
        linearised = LinearisedBatch(function, layout, names, *batch[1:])
        for component_number, members in held.items():
            for query, row in enumerate(psi):
                along = {s.name: row[s.start : s.stop].view(s.shape) for s in members}
                places[component_number, :, query] += linearised.along(along)

    def batch_gradient(
        self,
        theta: Float[Tensor, " param"],
        step: int,
        index: Int[Tensor, " batch"],
        weights: Float64[Tensor, " batch"],
        passes: Sequence[ForwardPass],
    ) -> Float[Tensor, " param"]:
        """Return the gradient of the loss of a step, `sum_i w_{s,i} grad l_i(theta_s)`.

        Args:
            theta: parameters before the step.
            step: the step.
            index: the samples of the batch.
            weights: their weights in the loss, `w_{s,i}`.
            passes: the forward passes they were in.

        Returns:
            The gradient.
        """
        total, leaves = torch.zeros_like(theta), self._gradients.layout.leaves(theta)
        for one in passes:
            batch = self._batch(theta, step, index, one)
            function = batch.gradients.function
            with torch.enable_grad(), function.holding(leaves):
                losses = function(leaves, batch.x, batch.y)
                loss = weights[one.rows].to(losses) @ losses
                found = dense_gradients(loss, leaves)
            for slot, gradient in zip(self._gradients.layout.slots, found, strict=True):
                total[slot.start : slot.stop] += gradient.flatten()
        return total
