"""Images of a prepared dataset, read as they are needed."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import xarray as xr

from explaind.errors import StoreError
from explaind.store import open_sealed


class Images:
    """The images of a dataset store, as they were before normalisation.

    Args:
        path: the store.

    Attributes:
        class_names: name of each class.

    Raises:
        StoreError: if the store is missing or incomplete, or holds no images.
    """

    def __init__(self, path: Path) -> None:
        self._store: xr.Dataset = open_sealed(path, rule="prepare_dataset")
        if self._store["x_train"].ndim != 4:
            raise StoreError(
                f"{path} holds no images. Choose a run on images for figures of kind examples."
            )
        self.class_names = [str(name) for name in self._store.attrs["class_names"]]

    def pictures(self, part: str, rows: Iterable[int]) -> dict[int, np.ndarray]:
        """Images of some rows, `[channel, row, column]`.

        Args:
            part: `train` or `validation`.
            rows: rows of that part.
        """
        chosen = sorted(set(rows))
        values = self._store[f"x_{part}"].isel({part: chosen}).to_numpy()
        return dict(zip(chosen, values, strict=True))

    def labels(self, part: str) -> list[str]:
        """Name of the class of every row of a part."""
        return [self.class_names[label] for label in self._store[f"y_{part}"].to_numpy()]
