"""Prepared datasets as tensors."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from explaind.choices import Grouping
from explaind.config.dataset import ImageDataset
from explaind.config.schema import Config
from explaind.config.stages import stage_config
from explaind.errors import ConfigError, DataError
from explaind.paths import Paths
from explaind.store import open_sealed

TENSORS = ("x_train", "y_train", "x_validation", "y_validation")


@dataclass(frozen=True)
class LoadedDataset:
    """A prepared dataset in memory.

    Attributes:
        x_train: training inputs, sample first; images are float32 `[sample, channel, row, column]`.
        y_train: training targets.
        x_validation: validation inputs.
        y_validation: validation targets.
        classes: number of classes.
        sha256: checksum of the stored arrays.
        groups: names of the groups that training samples take turns in, sample `i` being of group
            `i % len(groups)`; empty if there are none.
        parts: part of every training sample of text, its article say; empty of other data.
    """

    x_train: Tensor
    y_train: Tensor
    x_validation: Tensor
    y_validation: Tensor
    classes: int
    sha256: str
    groups: tuple[str, ...] = ()
    parts: tuple[int, ...] = ()

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one input, `(channel, row, column)` of an image."""
        return tuple(self.x_train.shape[1:])

    @property
    def groups_in_turn(self) -> int:
        """Number of groups that samples take turns in; 1 without any."""
        return len(self.groups) or 1

    def labels(self, grouping: Grouping) -> list[str]:
        """Return the label of every training sample.

        Args:
            grouping: by class, or by group.

        Returns:
            One label for each.
        """
        if grouping == "class":
            return [str(number) for number in self.y_train.tolist()]
        return [self.groups[i % len(self.groups)] for i in range(len(self.x_train))]

    def numbers_of(self, groups: tuple[str, ...] | None, key: str) -> list[int]:
        """Return the numbers of some groups.

        Args:
            groups: their names; None = all.
            key: where they are named, for the message.

        Returns:
            Their places among `groups`.

        Raises:
            ConfigError: if one is not there.
        """
        unknown = sorted(set(groups or ()) - set(self.groups))
        if unknown:
            raise ConfigError(
                f"{key}: expected some of {sorted(self.groups)}, got {unknown}; correct them."
            )
        return [self.groups.index(name) for name in groups or self.groups]

    def to(self, device: torch.device) -> "LoadedDataset":
        """Return the same dataset on a device."""
        return replace(self, **{name: getattr(self, name).to(device) for name in TENSORS})


def load_dataset(config: Config, paths: Paths, dataset: str) -> LoadedDataset:
    """Read a prepared dataset.

    A store that is missing, incomplete or of another configuration is refused (`StoreError`), and
    so are a mean or deviation that are not those of as many channels (`DataError`).

    Args:
        config: the whole configuration; the store must have been made with it.
        paths: where things lie.
        dataset: name of the dataset.

    Returns:
        The dataset.
    """
    expected = stage_config(config, "prepare_dataset", dataset)
    store = open_sealed(paths.dataset(dataset), expected, rule="prepare_dataset")
    tensors = {name: torch.from_numpy(store[name].values) for name in TENSORS}
    settings = config.datasets[dataset]
    if isinstance(settings, ImageDataset):
        for name in ("x_train", "x_validation"):
            tensors[name] = normalised(tensors[name], settings, f"datasets.{dataset}")
    return LoadedDataset(
        classes=int(store.attrs["classes"]),
        sha256=store.attrs["sha256"],
        groups=tuple(store.attrs.get("groups", ())),
        parts=tuple(store["part_train"].values.tolist()) if "part_train" in store else (),
        **tensors,
    )


def normalised(images: Tensor, settings: ImageDataset, key: str) -> Tensor:
    """Images as the network sees them: uint8 scaled to 0..1, less the mean, by the deviation.

    Args:
        images: `[sample, channel, row, column]`; floating ones are not scaled to 0..1.
        settings: mean and standard deviation of each channel.
        key: key of the dataset, for the message.

    Returns:
        float32, same shape.

    Raises:
        DataError: if there are not as many means or deviations as channels.
    """
    x = images.float() / 255 if images.dtype == torch.uint8 else images
    channels = images.shape[1]
    for name, operation in (("mean", Tensor.sub), ("std", Tensor.div)):
        values = getattr(settings, name)
        if values is None:
            continue
        if len(values) != channels:
            raise DataError(
                f"{key}.{name}: expected {channels} numbers, one for each channel, got"
                f" {len(values)}; change them."
            )
        x = operation(x, torch.tensor(values, dtype=x.dtype)[:, None, None])
    return x
