"""Parameters that enter element by element: scales, shifts, positional vectors, class tokens."""

import math
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor
from torch.autograd.graph import GradientEdge

from explaind.kernel.gradients.work import Part, Work


@dataclass(frozen=True, kw_only=True)
class BroadcastUse:
    """A parameter spread over the batch (and perhaps over places) before it is used.

    Attributes:
        weight: name of the parameter.
        shape: its shape.
        edge: where the gradient with respect to the spread parameter, `[batch, ...]`, is found.
    """

    weight: str
    shape: tuple[int, ...]
    edge: GradientEdge

    @property
    def names(self) -> tuple[str, ...]:
        """The parameter used."""
        return (self.weight,)

    def gradient(self, name: str, delta: Float[Tensor, "output batch *rest"], rows: slice) -> Part:
        """Per-sample gradients: output gradients summed over what the parameter was spread over."""
        delta = delta[:, rows].transpose(0, 1)
        spread = delta.shape[2:]
        missing = len(spread) - len(self.shape)  # negative: a leading 1 stands for the batch
        shape = (1,) * missing + self.shape[max(0, -missing) :]
        summed = [axis + 2 for axis, size in enumerate(shape) if size == 1 and spread[axis] > 1]
        entries = self.shape[0] if self.shape else 1
        found = (delta.sum(summed) if summed else delta).reshape(*delta.shape[:2], entries, -1)
        return lambda part: found[:, :, part].flatten(2)

    def work(self, name: str, delta: Float[Tensor, "1 batch *rest"]) -> Work:
        """Forming the gradients is all there is to do."""
        read = delta[0, 0].numel()
        return Work(gradient=math.prod(self.shape), read=read, forming=read)
