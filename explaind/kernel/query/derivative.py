"""What is averaged along a step: gradients, to explain, or derivatives along it, to rebuild."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import partial

from jaxtyping import Float, Int
from torch import Tensor
from torch.func import jvp, vmap

from explaind.history.layout import ParameterLayout
from explaind.kernel.gradients.per_sample import Function, PerSampleGradients
from explaind.kernel.nonsmooth.secant import SecantEnds, secant_slopes
from explaind.trees import Inputs, Targets

FORMED_TOGETHER = 2**22
"""Numbers of one tensor's gradients that are formed at a time, where only products are kept."""


@dataclass(frozen=True)
class StepDerivative(ABC):
    """What one step did to every query.

    Attributes:
        explained: change along each part of the step, by component where they are told apart.
        change: `h(theta_{s+1}) - h(theta_s)`.
        subintervals: subintervals used per sample.
    """

    explained: Float[Tensor, "sample output component part"]
    change: Float[Tensor, "sample output"]
    subintervals: Int[Tensor, " sample"]

    @property
    @abstractmethod
    def averaged(self) -> Float[Tensor, "sample output width"]:
        """The averaged derivative, `abar_s` itself (`FullGradient`) or its products with the parts.

        Of `AlongParts` there is a column for each part of the step.
        """

    @property
    def matrix(self) -> Float[Tensor, "query width"]:
        """The averaged derivative, outputs side by side."""
        return self.averaged.flatten(0, 1)

    def add_to(self, place: Float[Tensor, "query width"], factor: float) -> None:
        """Add the averaged derivative times a factor to a matrix."""
        place.add_(self.matrix, alpha=factor)


@dataclass(frozen=True)
class FormedDerivative(StepDerivative):
    """What one step did, with the averaged derivative as a matrix.

    Attributes:
        formed: the averaged derivative.
    """

    formed: Float[Tensor, "sample output width"]

    @property
    def averaged(self) -> Float[Tensor, "sample output width"]:
        """The averaged derivative."""
        return self.formed


class Derivative(ABC):
    """A derivative of the queries at one node of the quadrature."""

    function: Function
    layout: ParameterLayout

    @abstractmethod
    def width(self, parts: Float[Tensor, "part param"]) -> int:
        """Return the number of columns of the derivative."""

    @abstractmethod
    def add_to(
        self,
        total: Float[Tensor, "sample output width"],
        weight: float,
        theta: Float[Tensor, " param"],
        batch: tuple[Inputs, Targets],
        ends: SecantEnds | None,
        parts: Float[Tensor, "part param"],
        first: bool,
    ) -> None:
        """Add the derivative at a node.

        Args:
            total: where to add.
            weight: weight of the node.
            theta: parameters at the node.
            batch: inputs and targets.
            ends: if given, piecewise-linear ops have their secant slopes between these ends.
            parts: parts of the step.
            first: whether to write the derivative to `total`, whatever is there.
        """

    @abstractmethod
    def explained(
        self, averaged: Float[Tensor, "sample output width"], parts: Float[Tensor, "part param"]
    ) -> Float[Tensor, "sample output component part"]:
        """Return the change of each query along each part of the step, by component if known."""


class FullGradient(Derivative):
    """Gradients with respect to all parameters.

    Args:
        gradients: per-sample gradients of the output functional.
    """

    def __init__(self, gradients: PerSampleGradients) -> None:
        self._gradients = gradients
        self.function, self.layout = gradients.function, gradients.layout
        self._ranges = list(self.layout.component_ranges().values())

    def width(self, parts: Float[Tensor, "part param"]) -> int:
        """Return the number of parameters."""
        return parts.shape[1]

    def add_to(
        self,
        total: Float[Tensor, "sample output width"],
        weight: float,
        theta: Float[Tensor, " param"],
        batch: tuple[Inputs, Targets],
        ends: SecantEnds | None,
        parts: Float[Tensor, "part param"],
        first: bool,
    ) -> None:
        """Add the gradients, through the layer rules where there are any."""
        captured = self._gradients.capture(theta, *batch, ends)
        for slot in self.layout.slots:
            entries = (*total.shape[:2], slot.entries, slot.entry_size)
            place = total[:, :, slot.start : slot.stop].view(entries)
            calls = captured.calls(slot)  # none of a tensor left to the fallback
            if first and not calls:
                place.zero_()
            for number, (rule, delta) in enumerate(calls):
                rule.add_gradients(slot.name, delta, place, weight, first and number == 0)
        fallback = self._gradients.by_fallback(captured.fallback, theta, *batch, ends)
        for columns, rows, gradient in fallback if captured.fallback else ():
            total[rows, :, columns].add_(gradient, alpha=weight)

    def explained(
        self, averaged: Float[Tensor, "sample output width"], parts: Float[Tensor, "part param"]
    ) -> Float[Tensor, "sample output component part"]:
        """Return the products of the gradients with the parts of the step."""
        gradients = averaged.flatten(0, 1).T
        explained = gradients.new_zeros(len(self._ranges), len(parts), gradients.shape[1])
        for products, ranges in zip(explained, self._ranges, strict=True):
            for start, stop in ranges:  # in this order twice as fast as the other
                products.addmm_(parts[:, start:stop], gradients[start:stop])
        return explained.permute(2, 0, 1).reshape(*averaged.shape[:2], *explained.shape[:2])


class AlongParts(Derivative):
    """Directional derivatives along the parts of the step, by forward mode: all outputs at once.

    Args:
        function: the function to differentiate.
        layout: the parameter layout.
    """

    def __init__(self, function: Function, layout: ParameterLayout) -> None:
        self.function, self.layout = function, layout

    def width(self, parts: Float[Tensor, "part param"]) -> int:
        """Return the number of parts."""
        return len(parts)

    def add_to(
        self,
        total: Float[Tensor, "sample output width"],
        weight: float,
        theta: Float[Tensor, " param"],
        batch: tuple[Inputs, Targets],
        ends: SecantEnds | None,
        parts: Float[Tensor, "part param"],
        first: bool,
    ) -> None:
        """Add the derivatives along all parts."""
        value = partial(self._value, batch, ends)
        along = vmap(lambda part: jvp(value, (theta,), (part,))[1])(parts)
        if first:
            total.zero_()
        total.add_(along.reshape(*along.shape[:2], -1).permute(1, 2, 0), alpha=weight)

    def explained(
        self, averaged: Float[Tensor, "sample output width"], parts: Float[Tensor, "part param"]
    ) -> Float[Tensor, "sample output 1 part"]:
        """Return the derivatives as they are."""
        return averaged[:, :, None]

    def _value(
        self, batch: tuple[Inputs, Targets], ends: SecantEnds | None, theta: Tensor
    ) -> Tensor:
        with secant_slopes(ends):
            return self.function(self.layout.unflatten(theta), *batch)


class GradientAlongParts(Derivative):
    """Derivatives along the parts of the step as products with full gradients.

    A backward pass for every output: for a single one, and for models that torch cannot
    differentiate in forward mode.

    Args:
        gradients: per-sample gradients of the outputs.
    """

    def __init__(self, gradients: PerSampleGradients) -> None:
        self._gradients = gradients
        self.function, self.layout = gradients.function, gradients.layout

    def width(self, parts: Float[Tensor, "part param"]) -> int:
        """Return the number of parts."""
        return len(parts)

    def add_to(
        self,
        total: Float[Tensor, "sample output width"],
        weight: float,
        theta: Float[Tensor, " param"],
        batch: tuple[Inputs, Targets],
        ends: SecantEnds | None,
        parts: Float[Tensor, "part param"],
        first: bool,
    ) -> None:
        """Add the products of the gradients with all parts, tensor by tensor."""
        if first:
            total.zero_()
        for columns, rows, gradient in self._gradients(theta, *batch, ends, limit=FORMED_TOGETHER):
            total[rows].add_(gradient @ parts[:, columns].T, alpha=weight)

    def explained(
        self, averaged: Float[Tensor, "sample output width"], parts: Float[Tensor, "part param"]
    ) -> Float[Tensor, "sample output 1 part"]:
        """Return the derivatives as they are."""
        return averaged[:, :, None]
