"""The batches of every step, as the loop was given them."""

from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from explaind.compat.log import Log
from explaind.errors import ConfigError, RecordingError
from explaind.history.batches import Batch, indexed_batches
from explaind.trees import Data

TARGET_TYPES = {"int": torch.int64, "float": torch.float32}


class IndexedLoader:
    """A loader whose batches know their samples; the dataset is not changed.

    Args:
        loader: a loader over a map-style dataset of `(x, y)`.

    Attributes:
        dataset: the dataset.
    """

    def __init__(self, loader: DataLoader) -> None:  # type: ignore[type-arg]
        self._loader, self.dataset = loader, loader.dataset

    def __len__(self) -> int:
        return len(self._loader)

    def __iter__(self) -> Iterator[Batch]:
        return indexed_batches(self._loader)


class DataPath:
    """Keeps the batches of a training in memory.

    Args:
        dataloader: the loader trained with.
        checkpoint_path: file of the batches, which is read if it exists.
        full_batch: no effect, as in the published class.
        overwrite: begin a new history where there is a file.

    Attributes:
        dataloader: what the loop draws its batches from.
    """

    def __init__(
        self,
        dataloader: DataLoader,  # type: ignore[type-arg]
        checkpoint_path: str | Path | None = None,
        full_batch: bool = True,
        overwrite: bool = False,
    ) -> None:
        self.dataloader = IndexedLoader(dataloader)
        self._log = Log(checkpoint_path, overwrite)

    @property
    def checkpoints(self) -> list[dict[str, Tensor]]:
        """Inputs `X`, targets `y` and dataset `indices` of the batch of each step."""
        return self._log.entries

    def __len__(self) -> int:
        return len(self.checkpoints)

    def get_batch(
        self, batch: Batch, target_type: str = "int", log: bool = True
    ) -> tuple[Tensor, Tensor]:
        """Return inputs and targets of a batch, and keep it.

        Args:
            batch: what `dataloader` yielded.
            target_type: "int" or "float".
            log: whether a step is taken with it.

        Returns:
            Inputs and targets, sample first.

        Raises:
            ConfigError: for another type.
        """
        if target_type not in TARGET_TYPES:
            raise ConfigError(
                f"target_type: expected one of {list(TARGET_TYPES)}, got {target_type!r}."
            )
        y = batch.y.to(TARGET_TYPES[target_type])
        if log:
            kept = {"X": batch.x, "y": y, "indices": batch.index}
            self._log.append({name: value.detach().cpu().clone() for name, value in kept.items()})
        return batch.x, y

    def save_checkpoints(self) -> None:
        """Write the batches to their file."""
        self._log.save()


class LoggedSamples(Dataset):  # type: ignore[type-arg]
    """The training set as the steps saw it, by dataset index.

    The dataset itself may draw other inputs whenever it is asked (random transforms), so a sample
    that was trained on is what it was when it was first seen.

    Args:
        data: the batches.

    Raises:
        RecordingError: if a batch holds a sample twice.
    """

    def __init__(self, data: DataPath) -> None:
        self._dataset: Data = data.dataloader.dataset
        self._steps = [batch["X"] for batch in data.checkpoints]
        self._rows = [_rows(batch["indices"], step) for step, batch in enumerate(data.checkpoints)]
        self._first: dict[int, tuple[Tensor, Tensor]] = {}
        for batch in data.checkpoints:
            for index, x, y in zip(batch["indices"].tolist(), batch["X"], batch["y"], strict=True):
                self._first.setdefault(index, (x, y))

    def __len__(self) -> int:
        return len(self._dataset)

    def __getitem__(self, index: int) -> object:
        return self._first[index] if index in self._first else self._dataset[index]

    def first(self, index: int) -> Tensor:
        """Return the inputs of a sample as they were first seen."""
        return self._first[index][0]

    @property
    def augmented(self) -> bool:
        """Whether a sample had other inputs in another step."""
        steps = zip(self._rows, self._steps, strict=True)
        return any(
            not torch.equal(x[row], self._first[index][0])
            for rows, x in steps
            for index, row in rows.items()
        )

    def as_seen(self, x: Tensor, indices: Tensor, step: int) -> Tensor:
        """Return the inputs of some samples as a step saw them, on the device of `x`."""
        rows = [self._rows[step][index] for index in indices.tolist()]
        return self._steps[step][rows].to(x)


def _rows(indices: Tensor, step: int) -> dict[int, int]:
    """Place in the batch by sample.

    Args:
        indices: samples of the batch.
        step: the step, for the message.

    Returns:
        The places.

    Raises:
        RecordingError: if a sample is there twice.
    """
    rows = {index: row for row, index in enumerate(indices.tolist())}
    if len(rows) != len(indices):
        raise RecordingError(
            f"The batch of step {step} holds a sample twice. Expected each once: sample without"
            " replacement, or record with explaind.record."
        )
    return rows
