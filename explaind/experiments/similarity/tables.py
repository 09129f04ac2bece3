"""The numbers of the page on similar samples."""

from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd
import xarray as xr

from explaind.experiments.similarity.cosines import component_grams, cosines
from explaind.experiments.similarity.neighbours import nearest_samples, shared_counts
from explaind.experiments.similarity.samples import VALIDATION, pair_groups, sample_table
from explaind.experiments.similarity.settings import SimilaritySettings
from explaind.report.sources import Sources


@dataclass(frozen=True)
class SimilarityTables:
    """All numbers of the page.

    Attributes:
        metrics: one row per step.
        samples: see `sample_table`.
        maps: cosines between all samples, see `component_grams` for the dims.
        development: see `group_means`.
        nearest: see `nearest_samples`.
        neighbours: see `shared_counts`.
    """

    metrics: pd.DataFrame
    samples: pd.DataFrame
    maps: xr.DataArray
    development: pd.DataFrame
    nearest: pd.DataFrame
    neighbours: pd.DataFrame

    def files(self) -> dict[str, pd.DataFrame]:
        """Return the tables behind the panels by name."""
        return {
            "neighbours": self.neighbours,
            "nearest": self.nearest,
            "development": self.development,
            "cosines": cosine_table(self.maps, self.samples),
        }


def read(sources: Sources, settings: SimilaritySettings) -> SimilarityTables:
    """Read the numbers of the page.

    Args:
        sources: what the run left on disk.
        settings: the section of the config.

    Returns:
        The numbers.
    """
    store = sources.store("similarity")
    maps = cosines(component_grams(store, tensors=True))
    samples = sample_table(store, sources.data)
    nearest = nearest_samples(maps, samples, settings.page.neighbours)
    return SimilarityTables(
        metrics=sources.metrics,
        samples=samples,
        maps=maps,
        development=group_means(maps, samples),
        nearest=nearest,
        neighbours=shared_counts(nearest, samples),
    )


def group_means(maps: xr.DataArray, samples: pd.DataFrame) -> pd.DataFrame:
    """Average the cosines over groups of pairs.

    Args:
        maps: cosines, as of `cosines.cosines`.
        samples: the table of `sample_table`.

    Returns:
        One row per functional, component, `interval` (0 = the whole run) of the steps
        [`start`, `stop`), split of the `others` and `group` of pairs (`pair_groups`): `pairs`,
        their number, and the mean `cosine` of a validation sample with the others; no row for a
        group without pairs.
    """
    validation = (samples["split"] == VALIDATION).to_numpy()
    rows = []
    for split in samples["split"].unique():
        others = (samples["split"] == split).to_numpy()
        for group, pairs in pair_groups(samples).items():
            chosen = pairs & np.outer(validation, others)
            if not chosen.any():
                continue
            means = maps.to_numpy()[..., chosen].mean(-1)
            case = {"others": split, "group": group, "pairs": int(chosen.sum())}
            rows += [case | cell for cell in _cells(maps, means)]
    return pd.DataFrame(rows)


def cosine_table(maps: xr.DataArray, samples: pd.DataFrame) -> pd.DataFrame:
    """Return the cosines over the whole run, one row per pair.

    Args:
        maps: cosines, as of `cosines.cosines`.
        samples: the table of `sample_table`.

    Returns:
        `functional`, `component`, the `name` of a validation sample, `others` (split), `other_name`
        and `cosine`.
    """
    names, splits = samples["name"].to_numpy(), samples["split"].to_numpy()
    whole = maps.isel(interval=0, drop=True).rename("cosine").astype(np.float32)
    table = whole.assign_coords(sample=names, other=names).to_dataframe().reset_index()
    split_of = dict(zip(names, splits, strict=True))
    table["others"] = table["other"].map(split_of)
    table = table[table["sample"].map(split_of) == VALIDATION]
    table = table.rename(columns={"sample": "name", "other": "other_name"})
    return table[["functional", "component", "name", "others", "other_name", "cosine"]]


def _cells(maps: xr.DataArray, means: np.ndarray) -> list[dict[str, object]]:
    """Rows of the mean of every interval, functional and component."""
    places = product(*(range(maps.sizes[dim]) for dim in maps.dims[:3]))
    return [
        {
            "functional": str(maps["functional"].to_numpy()[f]),
            "component": str(maps["component"].to_numpy()[c]),
            "interval": k,
            "start": int(maps["start"].to_numpy()[k]),
            "stop": int(maps["stop"].to_numpy()[k]),
            "cosine": float(means[k, f, c]),
        }
        for k, f, c in places
    ]
