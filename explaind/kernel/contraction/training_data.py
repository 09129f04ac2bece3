"""The training samples, by index."""

from typing import Any

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor
from torch.utils.data import DataLoader, default_collate

from explaind.errors import ConfigError
from explaind.history.batches import Alone, Collate, samples_of
from explaind.history.checksums import sample_checksums
from explaind.history.random_state import CPU, NOTHING_DRAWN, Draws, replayed
from explaind.kernel.samples import as_tensors, check_lengths
from explaind.trees import (
    Augmentation,
    Data,
    Inputs,
    Targets,
    Tree,
    batch_size,
    map_tensors,
    named_leaves,
    take,
)


class TrainingData:
    """Training samples by index.

    Args:
        data: `(x, y)` tensors or arrays (or pytrees of them) with the sample first, or `x` alone,
            which is its own target; a map-style dataset whose items are either; or the `DataLoader`
            that was trained with, which brings its dataset and its `collate_fn`.
        dtype: floating type that inputs are converted to.
        device: where batches are returned.
        augment: what the recorder was given, if anything.
        collate: makes a batch of items of the dataset; by default the loader's, or torch's.
        concatenated: whether batches hold several rows of a sample, one after the other.

    Attributes:
        collate: makes a batch of items.
        concatenated: as given.

    Raises:
        ConfigError: if `data` is none of these, or its inputs and targets differ in length; or if
            what makes batches of its items is missing.
    """

    def __init__(
        self,
        data: Data,
        dtype: torch.dtype,
        device: str | torch.device,
        augment: Augmentation | None = None,
        collate: Collate | None = None,
        concatenated: bool = False,
    ) -> None:
        if isinstance(data, DataLoader):
            data, collate = data.dataset, collate or data.collate_fn
        if isinstance(data, (Tensor, np.ndarray)):
            data = (data, data)
        self._tensors = isinstance(data, (tuple, list)) and len(data) == 2
        if self._tensors:
            data = as_tensors("train_data", tuple(data))
            check_lengths(named_leaves("train_data", data))
        elif not (hasattr(data, "__getitem__") and hasattr(data, "__len__")):
            raise ConfigError(
                f"train_data: expected (x, y) tensors, a map-style dataset or a DataLoader over"
                f" one, got {type(data).__name__}."
            )
        self._data, self._dtype, self._device = data, dtype, device
        self._augment, self.collate = augment, collate or default_collate
        self.concatenated = concatenated
        if concatenated and self.collate is default_collate:
            raise ConfigError(
                "train_data: the recorded batches hold several rows of a sample. Expected the"
                " DataLoader that was trained with, or its dataset and collate_fn."
            )

    @property
    def augmented(self) -> bool:
        """Whether the inputs of a step differ from those of the data."""
        return self._augment is not None

    def __len__(self) -> int:
        return batch_size(self._data) if self._tensors else len(self._data)

    def samples(
        self, index: Int[Tensor, " batch"], draws: Draws = NOTHING_DRAWN
    ) -> tuple[Inputs, Targets]:
        """Return inputs and targets of these samples as they were given.

        Args:
            index: the samples.
            draws: the random numbers that the dataset draws.

        Returns:
            Inputs and targets.

        Raises:
            ConfigError: if items of the dataset make no batch.
        """
        if self._tensors:
            x, y = take(self._data, index)
            return x, y
        try:
            with replayed(draws.get("data"), CPU):
                return samples_of(self._items(index), self.collate, self.concatenated)
        except (RuntimeError, TypeError) as error:
            raise ConfigError(
                f"train_data: its samples make no batch ({error}). Give the DataLoader that was"
                " trained with, or its collate_fn."
            ) from error

    def checksums(self, index: Int[Tensor, " batch"]) -> Int[np.ndarray, " batch"]:
        """Return checksums of these samples (`history.checksums`)."""
        if self._tensors or self.collate is default_collate:
            return sample_checksums(*self.samples(index))
        return Alone(self._items(index), self.collate).checksums()

    def _items(self, index: Int[Tensor, " batch"]) -> list[Any]:
        return [self._data[int(i)] for i in index]

    def batch(
        self, index: Int[Tensor, " batch"], step: int, draws: Draws = NOTHING_DRAWN
    ) -> tuple[Inputs, Targets]:
        """Return inputs and targets of these samples as a step saw them.

        Args:
            index: the samples of a forward pass.
            step: the step.
            draws: the random numbers that were drawn for them.

        Returns:
            Inputs and targets.
        """
        x, y = self.samples(index, draws)
        if self._augment is None:
            return x, y
        with replayed(draws.get("augment"), torch.device(self._device)):
            return self._augment(x, index, step), y

    def fetch(
        self, index: Int[Tensor, " batch"], step: int, draws: Draws = NOTHING_DRAWN
    ) -> tuple[Inputs, Targets]:
        """Return what a step saw of these samples on the device, floating tensors in the dtype."""
        x, y = self.batch(index, step, draws)
        return self.convert(x), self.convert(y)

    def convert(self, tree: Tree) -> Tree:
        """Return the tree on the device, floating tensors in the dtype."""
        return map_tensors(self._converted, tree)

    def _converted(self, leaf: Tensor) -> Tensor:
        return leaf.to(self._device, self._dtype if leaf.is_floating_point() else None)
