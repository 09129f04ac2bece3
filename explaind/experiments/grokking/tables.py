"""The numbers of the grokking page, from the stores of a run."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from explaind.experiments.grokking.settings import GrokkingSettings
from explaind.report.plots.heatmap import MAX_SAMPLE_PAIRS
from explaind.report.sources import Sources
from explaind.report.tables.classes import class_map_table, class_maps, sample_map, sample_map_table
from explaind.report.tables.explained import Explained, explained_output


@dataclass(frozen=True)
class GrokkingTables:
    """All numbers of the page.

    Attributes:
        metrics: one row per step.
        explained: the explained output.
        maps: influence by class, see `class_maps`.
        samples: influence by sample, see `sample_map`, with the names of the samples; None if too
            large for a page.
        statistics: the numbers of `validation.json`.
        train_samples: number of training samples.
    """

    metrics: pd.DataFrame
    explained: Explained
    maps: xr.DataArray
    samples: xr.DataArray | None
    statistics: Mapping[str, Any]
    train_samples: int

    def files(self) -> dict[str, pd.DataFrame]:
        """Return the tables behind the panels by name."""
        return {
            "curves": self.metrics,
            "cancellation": self.explained.cancellation,
            "class_maps": class_map_table(self.maps),
            "sample_map": sample_map_table(self.samples),
        }


def read(sources: Sources, _: GrokkingSettings) -> GrokkingTables:
    """Read the numbers of the page.

    Args:
        sources: what the run left on disk.

    Returns:
        The numbers.
    """
    influence, data = sources.influence, sources.data
    p, samples = data.attrs["p"], sample_map(influence, MAX_SAMPLE_PAIRS)
    if samples is not None:
        for split, part in (("test", "validation"), ("train", "train")):
            tokens = data[f"x_{part}"].to_numpy()[samples[f"{split}_index"]]
            samples = samples.assign_coords({f"{split}_name": (split, sum_names(tokens, p))})
    return GrokkingTables(
        metrics=sources.metrics,
        explained=explained_output(influence, sources.metrics),
        # the model may have more outputs, for tokens that are no results
        maps=class_maps(influence, p),
        samples=samples,
        statistics=sources.statistics,
        train_samples=influence.sizes["train"],
    )


def sum_names(tokens: np.ndarray, p: int) -> list[str]:
    """Return what samples ask and answer, `3 + 5 = 8`, given the tokens `[sample, 4]` and p."""
    return [f"{a} + {b} = {(a + b) % p}" for a, _, b, _ in tokens]
