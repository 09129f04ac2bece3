"""What is averaged along a step: gradients, to explain, or derivatives along it, to rebuild."""

from abc import ABC, abstractmethod
from typing import Any

from jaxtyping import Float
from torch import Tensor
from torch.func import jvp, vmap

from explaind.history.layout import ParameterLayout
from explaind.kernel.gradients.per_sample import Function, PerSampleGradients, SecantEnds
from explaind.kernel.nonsmooth.secant import ReplayKinks


class Derivative(ABC):
    """A derivative of the queries at one node of the quadrature."""

    function: Function
    layout: ParameterLayout

    @abstractmethod
    def width(self, parts: Float[Tensor, "part param"]) -> int:
        """Length of the last dimension of what `add` adds."""

    @abstractmethod
    def add(
        self,
        total: Float[Tensor, "sample output width"],
        weight: float,
        theta: Float[Tensor, " param"],
        batch: tuple[Any, Any],
        ends: SecantEnds | None,
        parts: Float[Tensor, "part param"],
    ) -> None:
        """Add `weight` times the derivative at `theta` to `total`."""

    @abstractmethod
    def explained(
        self, averaged: Float[Tensor, "sample output width"], parts: Float[Tensor, "part param"]
    ) -> Float[Tensor, "sample output part"]:
        """Change of each query along each part of the step."""


class FullGradient(Derivative):
    """Gradients with respect to all parameters.

    Args:
        gradients: per-sample gradients of the output functional.
    """

    def __init__(self, gradients: PerSampleGradients) -> None:
        self._gradients = gradients
        self.function, self.layout = gradients.function, gradients.layout

    def width(self, parts: Float[Tensor, "part param"]) -> int:
        """Number of parameters."""
        return parts.shape[1]

    def add(
        self,
        total: Float[Tensor, "sample output width"],
        weight: float,
        theta: Float[Tensor, " param"],
        batch: tuple[Any, Any],
        ends: SecantEnds | None,
        parts: Float[Tensor, "part param"],
    ) -> None:
        """Add the weighted gradients at `theta`, tensor by tensor."""
        for slot, _, gradient in self._gradients(theta, *batch, ends):
            total[:, :, slot.start : slot.stop].add_(gradient, alpha=weight)

    def explained(
        self, averaged: Float[Tensor, "sample output width"], parts: Float[Tensor, "part param"]
    ) -> Float[Tensor, "sample output part"]:
        """Products of the gradients with the parts of the step."""
        return averaged @ parts.T


class AlongParts(Derivative):
    """Directional derivatives along the parts of the step, by forward mode: all outputs at once.

    Args:
        function: the function to differentiate.
        layout: the parameter layout.
    """

    def __init__(self, function: Function, layout: ParameterLayout) -> None:
        self.function, self.layout = function, layout

    def width(self, parts: Float[Tensor, "part param"]) -> int:
        """Number of parts."""
        return len(parts)

    def add(
        self,
        total: Float[Tensor, "sample output width"],
        weight: float,
        theta: Float[Tensor, " param"],
        batch: tuple[Any, Any],
        ends: SecantEnds | None,
        parts: Float[Tensor, "part param"],
    ) -> None:
        """Add the weighted derivatives along each part."""

        def value(at: Tensor) -> Tensor:
            params = self.layout.unflatten(at)
            if ends is None:
                return self.function(params, *batch)
            with ReplayKinks(ends.start_kinks, ends.end_kinks):
                return self.function(params, *batch)

        along = vmap(lambda part: jvp(value, (theta,), (part,))[1])(parts)
        total.add_(along.reshape(len(parts), *total.shape[:2]).permute(1, 2, 0), alpha=weight)

    def explained(
        self, averaged: Float[Tensor, "sample output width"], parts: Float[Tensor, "part param"]
    ) -> Float[Tensor, "sample output part"]:
        """The derivatives as they are."""
        return averaged
