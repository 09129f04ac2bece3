"""The training side of a step: per-sample loss gradients met by the adjoint."""

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.utils.data import default_collate

from explaind.errors import ConfigError
from explaind.kernel.adjoint import GradientAdjoint
from explaind.kernel.per_sample import PerSampleGradients
from explaind.kernel.precision import Contraction

GRADIENT_BYTES = 16 * 2**20
"""Memory for one tensor's per-sample gradients; of larger batches some samples at a time."""


class TrainingData:
    """Training samples by index.

    Args:
        data: `(x, y)` tensors (or pytrees of tensors) with the sample first, or a map-style dataset
            whose items are `(x, y)`.
        dtype: floating type that inputs are converted to.
        device: where batches are returned.

    Raises:
        ConfigError: if `data` is neither.
    """

    def __init__(self, data: Any, dtype: torch.dtype, device: str | torch.device) -> None:
        self._tensors = isinstance(data, (tuple, list)) and len(data) == 2
        if not self._tensors and not (hasattr(data, "__getitem__") and hasattr(data, "__len__")):
            raise ConfigError(
                f"train_data: expected (x, y) tensors or a map-style dataset, got"
                f" {type(data).__name__}."
            )
        self._data, self._dtype, self._device = data, dtype, device

    @property
    def itemsize(self) -> int:
        """Bytes of a number of the computation."""
        return self._dtype.itemsize

    def __len__(self) -> int:
        leaf = torch.utils._pytree.tree_leaves(self._data[1])[0] if self._tensors else self._data
        return len(leaf)

    def raw(self, index: Int[Tensor, " batch"]) -> tuple[Any, Any]:
        """Inputs and targets of these samples as they were given."""
        if self._tensors:
            found = torch.utils._pytree.tree_map(lambda leaf: leaf[index], tuple(self._data))
        else:
            found = default_collate([self._data[int(i)] for i in index])
        return found[0], found[1]

    def fetch(self, index: Int[Tensor, " batch"]) -> tuple[Any, Any]:
        """Inputs and targets of these samples on the device, floating ones in the dtype."""
        x, y = self.raw(index)
        return self.convert(x), self.convert(y)

    def convert(self, tree: Any) -> Any:
        """The tree on the device, floating tensors in the dtype."""

        def one(leaf: Tensor) -> Tensor:
            return leaf.to(self._device, self._dtype if leaf.is_floating_point() else None)

        return torch.utils._pytree.tree_map(one, tree)


class TrainingSide:
    """Contracts the adjoint with the loss gradients of a batch.

    Args:
        gradients: per-sample gradients of the training loss.
        data: the training samples.
        contraction: how adjoint and gradients are multiplied; by default in full precision.

    Attributes:
        contraction: as given.
    """

    def __init__(
        self,
        gradients: PerSampleGradients,
        data: TrainingData,
        contraction: Contraction | None = None,
    ) -> None:
        self.contraction = contraction or Contraction()
        self._gradients = gradients
        self._data = data
        layout = gradients.layout
        self._component = {
            slot.name: layout.components.index(slot.component) for slot in layout.slots
        }
        self._limit = GRADIENT_BYTES // data.itemsize

    @property
    def samples(self) -> int:
        """Number of training samples, `N`."""
        return len(self._data)

    def contract(
        self,
        psi: GradientAdjoint,
        theta: Float[Tensor, " param"],
        index: Int[Tensor, " batch"],
        weight: float,
        clip: float,
        by_component: bool = True,
    ) -> Float[Tensor, "component query batch"]:
        """Influence of every sample of a batch on every query, by component.

        Args:
            psi: adjoint of the gradient.
            theta: parameters before the step.
            index: the samples of the batch.
            weight: weight of each sample in the loss, `w_{s,i}`.
            clip: gradient-clipping factor, `kappa_s`.
            by_component: whether components are told apart; else there is one, their sum.

        Returns:
            `kappa_s w_{s,i} <psi_s[q], grad l_i(theta_s)>` restricted to each component, float64.
        """
        queries = len(psi.matrix)
        components = len(set(self._component.values())) if by_component else 1
        found = psi.matrix.new_zeros(components, queries, len(index))
        x, y = self._data.fetch(index)
        for slot, rows, gradient in self._gradients(theta, x, y, weight=weight, limit=self._limit):
            place = found[self._component[slot.name] if by_component else 0, :, rows]
            self.contraction.addmm_(place, psi.matrix[:, slot.start : slot.stop], gradient[:, 0].T)
        return found.double().mul_(clip * psi.factor)  # the scalar would be rounded in float32

    def batch_gradient(
        self, theta: Float[Tensor, " param"], index: Int[Tensor, " batch"], weight: float
    ) -> Float[Tensor, " param"]:
        """Gradient of the batch loss, `sum_i w_{s,i} grad l_i(theta_s)`."""
        total = torch.zeros_like(theta)
        x, y = self._data.fetch(index)
        for slot, _, gradient in self._gradients(theta, x, y, weight=weight, limit=self._limit):
            total[slot.start : slot.stop] += gradient.sum((0, 1))
        return total
