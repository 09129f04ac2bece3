"""The label-free path kernel: which training made two representations alike.

The explained number is `<f(x), f(x')>` of a trained encoder, `||f(x)||^2` with `x' = x`. Like every
output it is its value before the training, plus the influence of every training sample, component
and step, plus what regularisation did, plus a residual. No label comes in, and no loss of the
explained sample: what is divided is the inner product that label-free methods attribute.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Unpack

import numpy as np
import xarray as xr
from jaxtyping import Float
from torch import Tensor, nn

from explaind.kernel.explain_options import DivisionOptions
from explaind.kernel.path_kernel import PathKernel
from explaind.trees import Inputs, Targets

Encode = Callable[[nn.Module, Inputs], Tensor]
"""`(model, inputs) -> representations`, sample first."""


def encoder_of(model: nn.Module, x: Inputs) -> Tensor:
    """Return what the module called `encoder` of a model makes of its inputs."""
    representation: Tensor = model.get_submodule("encoder")(x)
    return representation


@dataclass(frozen=True)
class Similarity:
    """The functional `<f(x), f(x')>`; it calls a part of the model by itself.

    Attributes:
        encode: the encoder in the model.
        unit: unit of the functional.
    """

    encode: Encode = encoder_of
    unit: str = "1"
    __name__ = "similarity"

    def forward(self, model: nn.Module, x: Inputs) -> tuple[Tensor, Tensor]:
        """Return the representations of inputs `x`, or of pairs `(x, x')`."""
        if isinstance(x, tuple):
            first, second = x
            return self.encode(model, first), self.encode(model, second)
        own = self.encode(model, x)
        return own, own

    def __call__(self, output: tuple[Tensor, Tensor], _: Targets) -> Float[Tensor, " batch"]:
        """Return the inner products of two representations."""
        first, second = output
        return (first * second).flatten(1).sum(1)


class LabelFreePathKernel:
    """The path kernel of a recorded training as a label-free method.

    Args:
        kernel: the path kernel of the training.
        encode: the encoder in the model that was recorded.
        block: samples per forward pass on the query side.
    """

    def __init__(self, kernel: PathKernel, encode: Encode = encoder_of, block: int = 64) -> None:
        self._kernel, self._functional, self._block = kernel, Similarity(encode), block

    def scores(self, x: Inputs, targets: Targets = None) -> Float[np.ndarray, "test train"]:
        """Return the influence of every training sample on `||f(x)||^2`.

        Args:
            x: inputs to explain.
            targets: not used.

        Returns:
            The influence, positive = made the representation larger, in its squared unit.
        """
        return self._kernel.scores(x, None, self._functional, block=self._block)

    def explain(
        self, x: Inputs, other: Inputs | None = None, **options: Unpack[DivisionOptions]
    ) -> xr.Dataset:
        """Divide `<f(x), f(x')>` over training samples, components and steps.

        Args:
            x: inputs.
            other: `x'` of each, like `x`; `x` itself if None.
            options: those of `PathKernel.explain` that divide what is explained.

        Returns:
            The arrays of `PathKernel.explain`.
        """
        given = x if other is None else (x, other)
        return self._kernel.explain(given, None, self._functional, block=self._block, **options)
