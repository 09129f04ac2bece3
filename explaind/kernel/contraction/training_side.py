"""The training side of a step: per-sample loss gradients met by the adjoint."""

from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Float64, Int
from torch import Tensor

from explaind.history.layout import TensorSlot
from explaind.kernel.contraction.precision import PIECE, Contraction
from explaind.kernel.contraction.routes import Route, cheapest, general_costs, layer_costs
from explaind.kernel.contraction.training_data import TrainingData
from explaind.kernel.gradients.backward_pass import BackwardPass
from explaind.kernel.gradients.linearised import LinearisedBatch
from explaind.kernel.gradients.per_sample import PerSampleGradients, row_slices
from explaind.kernel.trajectory.adjoint import GradientAdjoint

WORKING_BYTES = 16 * 2**20
"""Memory for one tensor's per-sample gradients; of larger batches some samples at a time."""


class _Batch(NamedTuple):
    """A batch of training samples and the parameters it met.

    Attributes:
        theta: parameters before the step.
        x: inputs.
        y: targets.
        weight: weight of each sample in the loss.
    """

    theta: Float[Tensor, " param"]
    x: Any
    y: Any
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
        self._limit = WORKING_BYTES // data.itemsize
        layout = gradients.layout
        self._component = {
            slot.name: layout.components.index(slot.component) for slot in layout.slots
        }

    @property
    def samples(self) -> int:
        """Number of training samples, `N`."""
        return len(self._data)

    def contract(
        self,
        psi: GradientAdjoint,
        theta: Float[Tensor, " param"],
        step: int,
        index: Int[Tensor, " batch"],
        weight: float,
        clip: float,
        by_component: bool = True,
    ) -> Float64[Tensor, "component batch query"]:
        """Influence of every sample of a batch on every query, by component.

        Args:
            psi: adjoint of the gradient.
            theta: parameters before the step.
            step: the step.
            index: the samples of the batch.
            weight: weight of each sample in the loss, `w_{s,i}`.
            clip: gradient-clipping factor, `kappa_s`.
            by_component: whether components are told apart; else there is one, their sum.

        Returns:
            `kappa_s w_{s,i} <psi_s[q], grad l_i(theta_s)>` restricted to each component.
        """
        components = len(set(self._component.values()))
        kept = components if by_component else 1
        found = psi.matrix.new_zeros(kept, len(index), len(psi.matrix), dtype=torch.float64)
        places = found.expand(components, -1, -1)  # all the same one if they are not told apart
        batch = _Batch(theta, *self._data.fetch(index, step), weight)
        passed, general = self._gradients.backward_pass(*batch[:3], weight=weight)
        for slot in self._gradients.layout.slots:
            if slot.name not in general:
                adjoint = psi.matrix[:, slot.start : slot.stop]
                self._layer(passed, slot, adjoint, places[self._component[slot.name]])
        if general:
            self._rest(general, batch, psi.matrix, places)
        return found.mul_(clip * psi.factor)

    def _layer(
        self,
        passed: BackwardPass,
        slot: TensorSlot,
        adjoint: Float[Tensor, "query size"],
        found: Float64[Tensor, "batch query"],
    ) -> None:
        """Add the influence through a tensor that is read from the backward pass."""
        works = passed.work(slot)
        costs = layer_costs(works, len(adjoint))
        if cheapest(costs, self._route) == "contracted":
            width = len(adjoint) * max((work.between for work in works), default=1)
            for rows in row_slices(passed.batch, width, self._limit):
                found[rows] += passed.contraction(slot, adjoint, rows)
            return
        entry = slot.entry_size
        needed = min(slot.stop - slot.start, max(PIECE, entry, *(work.read for work in works)))
        for rows in row_slices(passed.batch, needed, self._limit):
            parts = row_slices(slot.entries, entry, max(PIECE, entry))
            for part, gradient in zip(parts, passed.gradients(slot, rows, parts), strict=True):
                columns = slice(part.start * entry, part.stop * entry)
                self.contraction.addmm_(found[rows], gradient[:, 0], adjoint[:, columns])

    def _rest(
        self,
        names: frozenset[str],
        batch: _Batch,
        psi: Float[Tensor, "query param"],
        found: Float64[Tensor, "component batch query"],
    ) -> None:
        """Add the influence through all tensors that no layer rule reads."""
        slots = {slot.name: slot for slot in self._gradients.layout.slots if slot.name in names}
        components = {self._component[name] for name in names}
        if cheapest(general_costs(len(psi), len(components)), self._route) == "gradients":
            rest = self._gradients.general(
                names, *batch[:3], weight=batch.weight, limit=self._limit
            )
            for slot, rows, gradient in rest:
                place = found[self._component[slot.name], rows]
                self.contraction.addmm_(place, gradient[:, 0], psi[:, slot.start : slot.stop])
            return
        function, layout = self._gradients.function, self._gradients.layout
        linearised = LinearisedBatch(function, layout, names, *batch)
        for component in components:
            held = [slot for name, slot in slots.items() if self._component[name] == component]
            for query, row in enumerate(psi):
                along = {slot.name: row[slot.start : slot.stop].view(slot.shape) for slot in held}
                found[component, :, query] += linearised.along(along)

    def batch_gradient(
        self,
        theta: Float[Tensor, " param"],
        step: int,
        index: Int[Tensor, " batch"],
        weight: float,
    ) -> Float[Tensor, " param"]:
        """Gradient of the batch loss, `sum_i w_{s,i} grad l_i(theta_s)`."""
        x, y = self._data.fetch(index, step)
        leaf = theta.detach().clone().requires_grad_(True)
        with torch.enable_grad():
            losses = self._gradients.function(self._gradients.layout.unflatten(leaf), x, y)
            (gradient,) = torch.autograd.grad(weight * losses.sum(), leaf)
        return gradient
