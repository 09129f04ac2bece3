"""Prepared datasets as tensors."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from explaind.config import Config, stage_config
from explaind.paths import Paths
from explaind.store import open_sealed


@dataclass(frozen=True)
class LoadedDataset:
    """A prepared dataset in memory.

    Attributes:
        x_train: training inputs, sample first.
        y_train: training targets.
        x_validation: validation inputs.
        y_validation: validation targets.
        classes: number of classes.
    """

    x_train: Tensor
    y_train: Tensor
    x_validation: Tensor
    y_validation: Tensor
    classes: int

    def to(self, device: torch.device) -> "LoadedDataset":
        """The same dataset on a device."""
        names = ("x_train", "y_train", "x_validation", "y_validation")
        return replace(self, **{name: getattr(self, name).to(device) for name in names})


def load_dataset(config: Config, paths: Paths, dataset: str) -> LoadedDataset:
    """Read a prepared dataset.

    Args:
        config: the whole configuration; the store must have been made with it.
        paths: where things lie.
        dataset: name of the dataset.

    Returns:
        The dataset.

    Raises:
        StoreError: if the store is missing, incomplete or of another configuration.
    """
    expected = stage_config(config, "prepare_dataset", dataset)
    store = open_sealed(paths.dataset(dataset), expected, rule="prepare_dataset")
    names = ("x_train", "y_train", "x_validation", "y_validation")
    tensors = {name: torch.from_numpy(store[name].values) for name in names}
    return LoadedDataset(classes=int(store.attrs["classes"]), **tensors)
