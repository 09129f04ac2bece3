"""The query side of several steps at once, where the passes of a single one are small.

All steps go through the model together (`gradients.stacked`), first with few subintervals, then
again the samples that need more. Gradients are kept as the layer inputs and output gradients that
they are made of, and added to the adjoint as such.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from explaind.errors import UnsupportedError
from explaind.history.layout import ParameterLayout
from explaind.kernel.gradients.captured_batch import CapturedBatch, Portion, joined
from explaind.kernel.gradients.stacked import StackedPasses
from explaind.kernel.nonsmooth.secant import Op, of_rows
from explaind.kernel.query.derivative import StepDerivative
from explaind.kernel.query.quadrature import RICHARDSON, Quadrature
from explaind.kernel.query.rows import Rows
from explaind.kernel.trajectory.steps import Step
from explaind.trees import Inputs, Targets, batch_size

JOINED = 8
"""Most gradients of a sum that are added together with those of sums of fewer."""

NODES = 8
"""Nodes of a step, averaged over a group, above which its own passes are work enough."""


class _Terms(NamedTuple):
    """What averaged gradients are sums of.

    Attributes:
        numbers: numbers of the rows, ascending.
        parts: gradients at some nodes, `[row, node]`, and the weights of these.
    """

    numbers: Int[np.ndarray, " row"]
    parts: list[tuple[CapturedBatch, list[float]]]

    @property
    def nodes(self) -> int:
        """Gradients of a sum."""
        return sum(len(weights) for _, weights in self.parts)

    def chosen(self, rows: Rows, chosen: Int[np.ndarray, " row"]) -> "_Terms":
        """Return those of some rows."""
        parts = []
        for captured, weights in self.parts:
            nodes = len(weights)
            places = (chosen[:, None] * nodes + np.arange(nodes)).ravel()
            parts.append((captured.of_samples(rows.on_device(places)), weights))
        return _Terms(self.numbers[chosen], parts)

    def between(self, rows: slice) -> "_Terms":
        """Return those of rows with numbers in a range, counted from its start."""
        first, stop = np.searchsorted(self.numbers, [rows.start, rows.stop])
        parts = [
            (captured.of_samples(slice(first * len(weights), stop * len(weights))), weights)
            for captured, weights in self.parts
        ]
        return _Terms(self.numbers[first:stop] - rows.start, parts)

    def add_to(
        self, layout: ParameterLayout, place: Float[Tensor, "row output param"], factor: float
    ) -> None:
        """Add the sums times a factor."""
        for captured, weights in self.parts:
            scaled = [factor * weight for weight in weights]
            for slot in layout.slots:
                entries = (*place.shape[:2], slot.entries, slot.entry_size)
                of_slot = place[:, :, slot.start : slot.stop].view(entries)
                for rule, delta in captured.calls(slot):
                    rule.add_sums(slot.name, delta, of_slot, scaled)


def _joined(found: list[_Terms], rows: Rows) -> list[_Terms]:
    """Sums of few gradients as one, of all rows: the adjoint is then read and written once."""
    few = [terms for terms in found if terms.nodes <= JOINED]
    if len(few) < 2:
        return found
    most, portions = max(terms.nodes for terms in few), []
    for terms in few:
        first = terms.numbers[:, None] * most
        for captured, weights in terms.parts:
            places = (first + np.arange(len(weights))).ravel()
            of_nodes = torch.tensor(weights, dtype=captured.like.dtype).repeat(len(first))
            scale = of_nodes.to(captured.like.device)
            portions.append(Portion(captured, rows.on_device(places), scale))
            first = first + len(weights)
    whole = joined(portions, len(rows.numbers) * most)
    rest = [terms for terms in found if terms.nodes > JOINED]
    return [_Terms(rows.numbers, [(whole, [1.0] * most)]), *rest]


@dataclass(frozen=True)
class SummedDerivative(StepDerivative):
    """What one step did, with averaged gradients as what they are sums of.

    Attributes:
        layout: the parameter layout.
        terms: the sums, of every sample in one of them.
    """

    layout: ParameterLayout
    terms: list[_Terms]

    @cached_property
    def averaged(self) -> Float[Tensor, "sample output param"]:
        """The averaged gradients, formed."""
        averaged = self.change.new_zeros(*self.change.shape, self.layout.size)
        self._add(averaged, 1.0)
        return averaged

    def add_to(self, place: Float[Tensor, "query param"], factor: float) -> None:
        """Add the averaged gradients times a factor to a matrix, without forming them."""
        self._add(place.view(*self.change.shape, -1), factor)

    def _add(self, place: Float[Tensor, "sample output param"], factor: float) -> None:
        for terms in self.terms:
            if len(terms.numbers) == len(place):
                terms.add_to(self.layout, place, factor)
                continue
            rows = torch.from_numpy(terms.numbers).to(place.device)
            some = place[rows]
            terms.add_to(self.layout, some, factor)
            place.index_copy_(0, rows, some)


class StackedSteps:
    """Averages full gradients over several steps at once.

    Args:
        passes: stacked passes of the output functional.
        layout: the parameter layout.
        quadrature: the rule, with `auto` decided.
        x: inputs of all samples.
        y: their targets.

    Attributes:
        most: most steps that are worth taking together.
    """

    def __init__(
        self,
        passes: StackedPasses,
        layout: ParameterLayout,
        quadrature: Quadrature,
        x: Inputs,
        y: Targets,
    ) -> None:
        self._passes, self._layout, self._quadrature = passes, layout, quadrature
        self._x, self._y, self._samples = x, y, batch_size(x)
        self._secant = quadrature.rule == "secant"
        self.most = passes.points(self._samples)

    def values(self, theta: Float[Tensor, " param"]) -> Float[Tensor, "sample output"]:
        """Return the value of every sample, with the rounding of those along the path."""
        twice = torch.stack([theta, theta])  # of one point, torch takes other products
        h, _ = self._passes.values(twice, self._rows(1).stacked(1), recording=False)
        return h[: self._samples].reshape(self._samples, -1)

    def derivatives(self, group: list[Step]) -> Iterator[StepDerivative]:
        """Average the derivatives over consecutive steps.

        Args:
            group: the steps, each one earlier than the last.

        Returns:
            The derivatives of each. An `UnsupportedError` says that the model makes other calls
            than in the passes that it was tried with, or that there would be too many nodes.
        """
        rows = self._rows(len(group))
        path = torch.stack([group[0].end, *(step.start for step in group)])
        h, ops = self._passes.values(path, rows.stacked(1), self._secant)
        after, before = (slice(0, len(rows.numbers)), slice(self._samples, None))
        h = h.reshape(len(h), -1)
        ends = [[of_rows(op, side) for op in ops] for side in (before, after)]
        segment = path[1:], path[:-1] - path[1:], torch.stack([step.parts for step in group])
        return self._refined(rows, _Segment(*segment), h[after] - h[before], h[after], ends)

    def _rows(self, steps: int) -> Rows:
        return Rows(self._x, self._y, np.arange(steps * self._samples), self._samples)

    def _refined(
        self,
        rows: Rows,
        segment: "_Segment",
        change: Float[Tensor, "row output"],
        h: Float[Tensor, "row output"],
        ends: list[list[Op]],
    ) -> Iterator[StepDerivative]:
        """Take as many subintervals as each row needs; see `Queries`."""
        first, *finer = self._quadrature.counts()
        ends = self._cut(rows, segment, ends, first)
        fine, explained = self._level(rows, segment, ends, first)
        found, fine_explained, everything = [fine], explained, rows
        used = torch.full((len(change),), first, device=change.device)
        active = torch.arange(len(change), device=change.device)
        for count in finer:
            failing = self._quadrature.failing(explained[active], change[active], h[active])
            chosen = failing.nonzero()[:, 0].cpu().numpy()  # all that a GPU waits for
            if not len(chosen):
                break
            steps = len(np.unique(rows.numbers[chosen] // self._samples))
            if steps * count * len(self._quadrature.unit_nodes()) > NODES * self.most:
                raise UnsupportedError("Too many subintervals to pass several steps at once.")
            coarse, coarse_explained = fine, fine_explained
            if len(chosen) < len(failing):
                on_device = rows.on_device(chosen)
                others = np.delete(np.arange(len(failing)), chosen)
                found[-1] = found[-1].chosen(rows, others)
                coarse, coarse_explained = fine.chosen(rows, chosen), fine_explained[on_device]
                ends = [[of_rows(op, on_device) for op in at] for at in ends]
                active, left = active[on_device], rows.chosen(chosen)
                segment, rows = segment.of_steps(np.searchsorted(rows.steps, left.steps)), left
            else:
                found.pop()  # no row is done
            ends = self._cut(rows, segment, ends, 2)
            fine, fine_explained = self._level(rows, segment, ends, count)
            found.append(self._extrapolated(coarse, fine))
            if self._secant:
                coarse_explained = coarse_explained.lerp(fine_explained, RICHARDSON)
            explained[active] = coarse_explained if self._secant else fine_explained
            used[active] = count
        return self._of_steps(_joined(found, everything), explained, change, used)

    def _cut(
        self, rows: Rows, segment: "_Segment", ends: list[list[Op]], count: int
    ) -> list[list[Op]]:
        """Cut every subinterval in `count`: ops at the new ends, where the rule needs them."""
        if not self._secant or count == 1:
            return ends
        before = len(ends) - 1
        inner = [part + new / count for part in range(before) for new in range(1, count)]
        theta = segment.points([position / before for position in inner])
        _, ops = self._passes.values(theta, rows.stacked(len(inner)), self._secant)
        new = [[of_rows(op, places) for op in ops] for places in rows.places(len(inner)).T]
        each, cut = count - 1, ends[:1]
        for part in range(before):
            cut += [*new[part * each : (part + 1) * each], ends[part + 1]]
        return cut

    def _level(
        self, rows: Rows, segment: "_Segment", ends: list[list[Op]], count: int
    ) -> tuple[_Terms, Float[Tensor, "row output component part"]]:
        """Gradients at the nodes of `count` subintervals, and the change that they explain."""
        nodes = [
            ((part + position) / count, weight / count)
            for part in range(count)
            for position, weight in self._quadrature.unit_nodes()
        ]
        theta = segment.points([position for position, _ in nodes])
        slopes = None
        if self._secant:
            slopes = _filled_up(rows, ends[:-1]), _filled_up(rows, ends[1:])
        captured = self._passes.capture(theta, rows.stacked(len(nodes)), slopes)
        weights, places = [weight for _, weight in nodes], rows.places(len(nodes))
        explained = self._explained(captured, segment.parts)[places]
        averaged = torch.mul(explained[:, 0], weights[0])
        for node in range(1, len(weights)):
            averaged.add_(explained[:, node], alpha=weights[node])
        terms = captured.of_samples(places.flatten())
        return _Terms(rows.numbers, [(terms, weights)]), averaged

    def _explained(
        self, captured: CapturedBatch, parts: Float[Tensor, "step part param"]
    ) -> Float[Tensor, "row output component part"]:
        """Products of the gradients with the parts of the steps, which have as many rows each."""
        sums: dict[str, Tensor] = {}
        for slot in self._layout.slots:
            own = parts[:, :, slot.start : slot.stop]
            for rule, delta in captured.calls(slot):
                products = rule.along(slot.name, own, delta)
                before = sums.get(slot.component)
                sums[slot.component] = products if before is None else before + products
        nothing = parts.new_zeros(()).expand(captured.outputs, captured.samples, parts.shape[1])
        explained = [sums.get(component, nothing) for component in self._layout.components]
        return torch.stack(explained).permute(2, 1, 0, 3)

    def _extrapolated(self, coarse: _Terms, fine: _Terms) -> _Terms:
        """Richardson's step from `n` to `2n` subintervals, of secant values only."""
        if not self._secant:
            return fine
        factors = (RICHARDSON, fine), (1 - RICHARDSON, coarse)
        parts = [
            (captured, [factor * weight for weight in weights])
            for factor, terms in factors
            for captured, weights in terms.parts
        ]
        return _Terms(fine.numbers, parts)

    def _of_steps(
        self,
        found: list[_Terms],
        explained: Float[Tensor, "row output component part"],
        change: Float[Tensor, "row output"],
        used: Int[Tensor, " row"],
    ) -> Iterator[StepDerivative]:
        """The derivatives of every step."""
        for start in range(0, len(change), self._samples):
            rows = slice(start, start + self._samples)
            terms = [own for each in found if len((own := each.between(rows)).numbers)]
            yield SummedDerivative(explained[rows], change[rows], used[rows], self._layout, terms)


class _Segment(NamedTuple):
    """The path in some steps.

    Attributes:
        start: parameters before each step.
        move: its motion.
        parts: the parts of its motion.
    """

    start: Float[Tensor, "step param"]
    move: Float[Tensor, "step param"]
    parts: Float[Tensor, "step part param"]

    def points(self, positions: list[float]) -> Float[Tensor, "point param"]:
        """Return points of every step, at positions in [0, 1]; those of a step together."""
        points = [torch.add(self.start, self.move, alpha=position) for position in positions]
        return torch.stack(points, 1).flatten(0, 1)

    def of_steps(self, steps: Int[np.ndarray, " step"]) -> "_Segment":
        """Return the path in some of the steps."""
        if len(steps) == len(self.start):
            return self
        index = torch.from_numpy(steps).to(self.start.device)
        return _Segment(*(value[index] for value in self))


def _filled_up(rows: Rows, ops: list[list[Op]]) -> list[Op]:
    """Ops of the rows at several points, as passes of all of them take them."""
    together = []
    for calls in zip(*ops, strict=True):
        tensors = zip(*(call.tensors for call in calls), strict=True)
        filled = [rows.filled_up(torch.stack(values, 1)) for values in tensors]
        together.append(calls[0].of(filled))
    return together
