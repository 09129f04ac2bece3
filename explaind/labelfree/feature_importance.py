"""Label-free importance of the features of an input: of a number that has no label in it.

For a sample `x`, what is attributed to its features is the auxiliary function

    g_x(z) = <f(x), f(z)>,    with f(x) constant,

of which any attribution method for functions of one output can be taken. `f(x)` goes through the
method beside `z` (captum's additional forward arguments), so that whatever rows a method makes of a
sample are multiplied by that sample's own representation.

Every importance is positive where the feature made the representation more like `f(x)`, in the unit
of the squared representation (that of `Saliency` in this unit by unit of the input).
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import torch
from captum.attr import DeepLift, IntegratedGradients, Occlusion, Saliency
from jaxtyping import Float
from torch import Tensor, nn

from explaind.errors import UnsupportedError
from explaind.labelfree.encoding import MEMORY, encode, evaluation_mode, rows_within

INCOMPLETE = 0.05
"""Relative error of its sum above which DeepLift has not covered an encoder."""


class Auxiliary(nn.Module):
    """The auxiliary function, `<f(x), f(z)>` for every row `z` and its `f(x)`.

    Args:
        encoder: the encoder `f`.
    """

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(
        self, z: Float[Tensor, "row ..."], representation: Float[Tensor, "row unit"]
    ) -> Float[Tensor, " row"]:
        """Return the inner products.

        Args:
            z: inputs.
            representation: `f(x)` of the sample that each of them belongs to.

        Returns:
            One number for each input.
        """
        product: Tensor = (self.encoder(z).flatten(1) * representation).sum(1)
        return product


@dataclass(frozen=True)
class Batch:
    """Samples to attribute.

    Attributes:
        x: inputs.
        baseline: what stands for the absence of each, of the same shape.
        representation: `f(x)`.
        numbers: which samples of the whole these are; random methods draw by number.
    """

    x: Float[Tensor, "sample ..."]
    baseline: Float[Tensor, "sample ..."]
    representation: Float[Tensor, "sample unit"]
    numbers: Sequence[int]


@runtime_checkable
class FeatureMethod(Protocol):
    """An attribution method."""

    @property
    def passes(self) -> int:
        """Rows of the encoder's input that one sample takes at once."""

    def __call__(self, auxiliary: Auxiliary, batch: Batch) -> Float[Tensor, "sample ..."]:
        """Return the importance of every feature of every sample."""


@dataclass(frozen=True)
class Captum:
    """A method of captum.

    Attributes:
        method: its class.
        options: arguments of its `attribute`.
        baselines: whether it compares with a baseline.
        passes: see `FeatureMethod`.
    """

    method: Any
    options: Mapping[str, Any] = field(default_factory=dict)
    baselines: bool = True
    passes: int = 1

    def __call__(self, auxiliary: Auxiliary, batch: Batch) -> Float[Tensor, "sample ..."]:
        """Return what the method attributes to every feature."""
        baseline = {"baselines": batch.baseline} if self.baselines else {}
        importance: Tensor = self.method(auxiliary).attribute(
            batch.x.detach().clone().requires_grad_(True),
            additional_forward_args=(batch.representation,),
            **baseline,
            **self.options,
        )
        return importance.detach()


def integrated_gradients(steps: int = 50) -> Captum:
    """Return integrated gradients (Sundararajan et al., 2017) by Gauss-Legendre quadrature.

    Args:
        steps: points on the way from the baseline to the input.

    Returns:
        The method. Complete: importances add up to `g_x(x) - g_x(baseline)`, but for quadrature.
    """
    return Captum(IntegratedGradients, {"n_steps": steps}, passes=steps)


def saliency() -> Captum:
    """Return saliency (Simonyan et al., 2014): absolute values of the gradient, without sign."""
    return Captum(Saliency, baselines=False)


def occlusion(window: tuple[int, ...]) -> Captum:
    """Return occlusion (Zeiler and Fergus, 2014), by windows that do not overlap.

    Args:
        window: shape of a window, without the sample axis: `(channel, rows, columns)` of an image.

    Returns:
        The method: every feature has what its window changes when the baseline is put there.
    """
    return Captum(Occlusion, {"sliding_window_shapes": window, "strides": window})


@dataclass(frozen=True)
class RescaleRule:
    """DeepLift by the rescale rule (Shrikumar et al., 2017).

    Attributes:
        passes: the input and its baseline go through together.
    """

    passes: int = 2

    def __call__(self, auxiliary: Auxiliary, batch: Batch) -> Float[Tensor, "sample ..."]:
        """Return what the method attributes to every feature.

        Args:
            auxiliary: the auxiliary function.
            batch: the samples.

        Returns:
            The importances.

        Raises:
            UnsupportedError: if they do not add up: captum knows the rule for modules of
                elementwise functions, each called once, and for max pooling.
        """
        with warnings.catch_warnings():  # captum removes the hooks that it warns of
            warnings.filterwarnings("ignore", "Setting forward, backward hooks", UserWarning)
            found: tuple[Tensor, Tensor] = DeepLift(auxiliary).attribute(
                batch.x.detach().clone().requires_grad_(True),
                batch.baseline,
                additional_forward_args=(batch.representation,),
                return_convergence_delta=True,
            )
            importance, error = (part.detach() for part in found)
        missing = float(error.abs().sum() / importance.abs().sum())
        if missing > INCOMPLETE:
            raise UnsupportedError(
                "DeepLift: expected an encoder whose only nonlinear parts are modules that captum"
                " knows (ReLU, Tanh, MaxPool2d, ...), each called once; the importances of this"
                f" one miss their sum by {missing:.0%} of it. Use integrated"
                " gradients."
            )
        return importance


def feature_importance(
    method: FeatureMethod,
    encoder: nn.Module,
    x: Float[Tensor, "sample ..."],
    baseline: Float[Tensor, "..."],
    *,
    numbers: Sequence[int] | None = None,
    memory: int = MEMORY,
) -> Float[Tensor, "sample ..."]:
    """Attribute `<f(x), f(x)>` to the features of every sample.

    That of a sample depends on no other sample, and not on how many go through at once: random
    methods draw by the number of a sample. One too large for the memory is refused (`PlanError`).

    Args:
        method: how to attribute.
        encoder: the encoder `f`; it is taken in evaluation mode, and keeps its own.
        x: inputs, sample first: images, series, rows of a table.
        baseline: what stands for the absence of an input: one for all, or one for each, with a
            sample axis of length 1 or that of `x`.
        numbers: which samples of the whole these are, if they are a piece of it; None = they are
            the whole.
        memory: bytes that the passes of one batch may hold.

    Returns:
        The importances, of the shape of `x`.
    """
    representation, baseline = encode(encoder, x, memory), baseline.expand_as(x)
    auxiliary, parts = Auxiliary(encoder), []
    numbers = range(len(x)) if numbers is None else numbers
    with evaluation_mode(encoder), torch.enable_grad():
        rows = rows_within(encoder, x, memory, method.passes)
        for start in range(0, len(x), rows):
            part = slice(start, start + rows)
            batch = Batch(x[part], baseline[part], representation[part], numbers[part])
            parts.append(method(auxiliary, batch))
    return torch.cat(parts)
