"""Layer outputs that are watched: how the gradient by each of them is found afterwards."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from torch import Tensor
from torch.autograd.graph import GradientEdge, get_gradient_edge

from explaind.errors import UnsupportedError


class Watched(ABC):
    """Takes in the outputs of the layers of a forward pass, in order."""

    @abstractmethod
    def output(self, y: Tensor) -> Tensor:
        """Return a layer output as the model goes on with it; it may be changed in place."""

    @abstractmethod
    def leaf(self, tensor: Tensor) -> Tensor:
        """Return a tensor without a graph that is watched itself; nothing changes it in place."""


class Edges(Watched):
    """Notes where autograd finds the gradients.

    Attributes:
        places: the places in the graph.
    """

    def __init__(self) -> None:
        self.places: list[GradientEdge] = []

    def output(self, y: Tensor) -> Tensor:
        """Return an output whose place is noted, unaffected by later in-place calls."""
        if y.requires_grad:
            self.places.append(get_gradient_edge(y))
            return y
        return self.leaf(y).clone()  # in-place calls on a leaf are refused by torch

    def leaf(self, tensor: Tensor) -> Tensor:
        """Return the tensor, noted itself."""
        tensor = tensor.requires_grad_(True)
        self.places.append(get_gradient_edge(tensor))
        return tensor


class Noted(Watched):
    """Looks at the outputs and watches none.

    Attributes:
        outputs: the outputs.
    """

    def __init__(self) -> None:
        self.outputs: list[Tensor] = []

    def output(self, y: Tensor) -> Tensor:
        """Return the output, noted."""
        self.outputs.append(y)
        return y

    def leaf(self, tensor: Tensor) -> Tensor:
        """Return the tensor, noted."""
        return self.output(tensor)


class Shifted(Watched):
    """Adds a zero to every output, whose gradient is that of the output.

    So they are found inside of `vmap`, where autograd's graph cannot be seen.

    Args:
        zeros: one for each output.
    """

    def __init__(self, zeros: Sequence[Tensor]) -> None:
        self._zeros = iter(zeros)

    def output(self, y: Tensor) -> Tensor:
        """Add the next zero.

        Args:
            y: the output.

        Returns:
            The sum.

        Raises:
            UnsupportedError: if there is none of the output's shape and type.
        """
        zero = next(self._zeros, None)
        if zero is None or (zero.shape, zero.dtype) != (y.shape, y.dtype):
            raise UnsupportedError("The model calls other layers in another batch.")
        return y + zero

    def leaf(self, tensor: Tensor) -> Tensor:
        """Return the tensor and the next zero, added."""
        return self.output(tensor)
