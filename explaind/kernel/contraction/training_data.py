"""The training samples, by index."""

from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor
from torch.utils.data import default_collate

from explaind.errors import ConfigError
from explaind.trees import Augmentation


class TrainingData:
    """Training samples by index.

    Args:
        data: `(x, y)` tensors (or pytrees of tensors) with the sample first, or a map-style dataset
            whose items are `(x, y)`.
        dtype: floating type that inputs are converted to.
        device: where batches are returned.
        augment: what the recorder was given, if anything.

    Raises:
        ConfigError: if `data` is neither.
    """

    def __init__(
        self,
        data: Any,
        dtype: torch.dtype,
        device: str | torch.device,
        augment: Augmentation | None = None,
    ) -> None:
        self._tensors = isinstance(data, (tuple, list)) and len(data) == 2
        if not self._tensors and not (hasattr(data, "__getitem__") and hasattr(data, "__len__")):
            raise ConfigError(
                f"train_data: expected (x, y) tensors or a map-style dataset, got"
                f" {type(data).__name__}."
            )
        self._data, self._dtype, self._device = data, dtype, device
        self._augment = augment

    @property
    def augmented(self) -> bool:
        """Whether the inputs of a step differ from those of the data."""
        return self._augment is not None

    @property
    def itemsize(self) -> int:
        """Bytes of a number of the computation."""
        return self._dtype.itemsize

    def __len__(self) -> int:
        leaf = torch.utils._pytree.tree_leaves(self._data[1])[0] if self._tensors else self._data
        return len(leaf)

    def samples(self, index: Int[Tensor, " batch"]) -> tuple[Any, Any]:
        """Inputs and targets of these samples as they were given."""
        if self._tensors:
            found = torch.utils._pytree.tree_map(lambda leaf: leaf[index], tuple(self._data))
        else:
            found = default_collate([self._data[int(i)] for i in index])
        return found[0], found[1]

    def batch(self, index: Int[Tensor, " batch"], step: int) -> tuple[Any, Any]:
        """Inputs and targets of these samples as a step saw them."""
        x, y = self.samples(index)
        return x if self._augment is None else self._augment(x, index, step), y

    def fetch(self, index: Int[Tensor, " batch"], step: int) -> tuple[Any, Any]:
        """What a step saw of these samples on the device, floating tensors in the dtype."""
        x, y = self.batch(index, step)
        return self.convert(x), self.convert(y)

    def convert(self, tree: Any) -> Any:
        """The tree on the device, floating tensors in the dtype."""
        return torch.utils._pytree.tree_map(self._converted, tree)

    def _converted(self, leaf: Tensor) -> Tensor:
        return leaf.to(self._device, self._dtype if leaf.is_floating_point() else None)
