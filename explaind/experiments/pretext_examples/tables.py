"""The numbers of the page on pretext tasks and examples."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from explaind.experiments.pretext_examples.settings import PretextExamplesSettings
from explaind.experiments.task_correlations import summary
from explaind.report.sources import Sources


@dataclass(frozen=True)
class PretextExampleTables:
    """All numbers of the page.

    Attributes:
        correlations: see `task_correlations.summary`; a case is a score.
        nearest: see `nearest_table`.
        test: images of the test samples that are shown, by row; None if they are no images.
        train: images of their nearest training samples, by row, likewise.
    """

    correlations: pd.DataFrame
    nearest: pd.DataFrame
    test: Mapping[int, np.ndarray] | None
    train: Mapping[int, np.ndarray] | None

    def files(self) -> dict[str, pd.DataFrame]:
        """Return the tables behind the panels by name."""
        return {"correlations": self.correlations, "nearest": self.nearest}


def read(sources: Sources, _: PretextExamplesSettings) -> PretextExampleTables:
    """Read the numbers of the page.

    Args:
        sources: what there is on disk.

    Returns:
        The numbers.
    """
    store, data = sources.store("pretext_examples"), sources.data
    nearest = nearest_table(store, data)
    images = "row" in data["x_train"].dims
    return PretextExampleTables(
        correlations=summary(store["correlation"]),
        nearest=nearest,
        test=_pictures(data, "validation", nearest["sample"]) if images else None,
        train=_pictures(data, "train", nearest["train"]) if images else None,
    )


def nearest_table(store: xr.Dataset, data: xr.Dataset) -> pd.DataFrame:
    """List the nearest training samples of the test samples that are shown.

    Args:
        store: the result of the experiment.
        data: the prepared dataset.

    Returns:
        One row per test sample (`sample`, its row, and its class, `label`), `task` and `place`
        (from 1): `train` (row of the training part), its class `train_label` and `distance`.
    """
    names = np.array(data.attrs["class_names"])
    table = store[["nearest", "distance"]].to_dataframe().reset_index()
    samples = store["sample"].to_numpy()[table["shown"]]
    train = table["nearest"].to_numpy()
    return pd.DataFrame(
        {
            "sample": samples,
            "label": names[data["y_validation"].to_numpy()[samples]],
            "task": table["task"].astype(str),
            "place": table["place"] + 1,
            "train": train,
            "train_label": names[data["y_train"].to_numpy()[train]],
            "distance": table["distance"],
        }
    )


def _pictures(data: xr.Dataset, part: str, rows: pd.Series) -> dict[int, np.ndarray]:
    chosen = sorted(set(rows))
    return dict(zip(chosen, data[f"x_{part}"].isel({part: chosen}).to_numpy(), strict=True))
