"""Parameters that enter element by element: scales, shifts, positional vectors, class tokens."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from explaind.kernel.gradients.rule import LayerRule, Work


@dataclass(frozen=True, kw_only=True)
class ElementwiseRule(LayerRule):
    """A parameter spread over the batch (and perhaps over places) before it is used.

    The output gradient is that of the spread parameter, `[batch, ...]`.

    Attributes:
        weight: name of the parameter.
        shape: its shape.
    """

    weight: str
    shape: tuple[int, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The parameter used."""
        return (self.weight,)

    def gradients(
        self, name: str, delta: Float[Tensor, "output batch *rest"], rows: slice, parts: list[slice]
    ) -> Iterator[Float[Tensor, "rows output size"]]:
        """Yield output gradients, summed over what the parameter was spread over."""
        delta = delta[:, rows].transpose(0, 1)
        spread = delta.shape[2:]
        missing = len(spread) - len(self.shape)  # negative: a leading 1 stands for the batch
        shape = (1,) * missing + self.shape[max(0, -missing) :]
        axes = [axis + 2 for axis, size in enumerate(shape) if size == 1 and spread[axis] > 1]
        entries = self.shape[0] if self.shape else 1
        summed = (delta.sum(axes) if axes else delta).reshape(*delta.shape[:2], entries, -1)
        for part in parts:
            yield summed[:, :, part].flatten(2)

    def work(self, name: str, delta: Float[Tensor, "1 batch *rest"]) -> Work:
        """Return the work: forming the gradients is all there is to do."""
        read = delta[0, 0].numel()
        return Work(gradient=math.prod(self.shape), read=read, forming=read)
