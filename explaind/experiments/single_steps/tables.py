"""The numbers of the page about single steps: how well they represent the whole training."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from jaxtyping import Float
from scipy.stats import pearsonr, spearmanr

from explaind.experiments.language_influence.tables import named_influence
from explaind.experiments.single_steps.settings import SingleStepsSettings
from explaind.report.sources import Sources
from explaind.report.tables.outputs import output_unit

LEAST_PAIRS = 3
"""Pairs of languages below which a correlation says nothing."""


@dataclass(frozen=True)
class SingleStepTables:
    """All numbers of the page.

    Attributes:
        pairs: influence of every language on every one: `path`, over the whole training; `single`,
            the sum over the single steps, times the steps that each of them stands for.
        intervals: Pearson correlation of both over pairs of different languages, by interval of
            training, with the number of single steps in it.
        parts: what changed the output in each single step, mean over the languages: `data` (its
            batch), `carry` (earlier gradients), `decay`, `residual`.
        components: share of every component in the sizes of all influences, by both.
        unit: unit of the explained output.
    """

    pairs: pd.DataFrame
    intervals: pd.DataFrame
    parts: pd.DataFrame
    components: pd.DataFrame
    unit: str

    def files(self) -> dict[str, pd.DataFrame]:
        """Return the tables behind the panels by name."""
        return {
            "pairs": self.pairs,
            "intervals": self.intervals,
            "parts": self.parts,
            "components": self.components,
        }

    @property
    def others(self) -> pd.DataFrame:
        """The pairs of different languages."""
        return self.pairs[self.pairs["explained"] != self.pairs["trained"]]

    def correlations(self) -> tuple[float, float]:
        """Return Pearson's and Spearman's over pairs of different languages; NaN of too few."""
        single, path = (self.others[name].to_numpy() for name in ("single", "path"))
        return _pearson(single, path), float(spearmanr(single, path).statistic)

    def share(self) -> float:
        """Return how much of the influence along the path shows within the steps: the slope."""
        single, path = self.pairs["single"], self.pairs["path"]
        return float((single * path).sum() / (path * path).sum())


def read(sources: Sources, _: SingleStepsSettings) -> SingleStepTables:
    """Read the numbers of the page; stores without what they need are refused (`StoreError`).

    Args:
        sources: what the run left on disk.

    Returns:
        The numbers.
    """
    path, store = named_influence(sources), sources.store("single_steps").load()
    names = path["trained"].to_numpy()
    single = store["influence"].rename(test="explained", group="trained").sel(trained=names)
    single = single.assign_coords(explained=names)
    scale = sources.influence.sizes["step"] / single.sizes["point"]
    summed = {
        "path": path.sum(("interval", "component")),
        "single": scale * single.sum(("point", "component")),
    }
    return SingleStepTables(
        pairs=xr.Dataset(summed).to_dataframe().reset_index(),
        intervals=_by_interval(path.sum("component"), single.sum("component"), store["number"]),
        parts=_parts(sources.influence, single, store["number"].to_numpy()),
        components=_shares(path.sum("interval"), single.sum("point")),
        unit=output_unit(sources.influence),
    )


def _by_interval(path: xr.DataArray, single: xr.DataArray, number: xr.DataArray) -> pd.DataFrame:
    rows, different = [], ~np.eye(path.sizes["trained"], dtype=bool)
    for of_interval in path:
        start, stop = int(of_interval["start"]), int(of_interval["stop"])
        inside = ((number >= start) & (number < stop)).to_numpy()
        both = single.isel(point=inside).sum("point").to_numpy(), of_interval.to_numpy()
        found = _pearson(*(values[different] for values in both)) if inside.any() else np.nan
        rows.append((start, stop, int(inside.sum()), found))
    return pd.DataFrame(rows, columns=["start", "stop", "points", "correlation"])


def _pearson(one: Float[np.ndarray, " pair"], other: Float[np.ndarray, " pair"]) -> float:
    if len(one) < LEAST_PAIRS or not (np.ptp(one) and np.ptp(other)):
        return np.nan
    return float(pearsonr(one, other).statistic)


def _parts(store: xr.Dataset, single: xr.DataArray, number: np.ndarray) -> pd.DataFrame:
    steps = {
        name: store[f"step_{name}"].isel(output=0, step=number).load().mean("test").to_numpy()
        for name in ("data", "decay", "residual")
    }
    data = single.sum(("component", "trained")).mean("explained").to_numpy()
    parts = {"data": data, "carry": steps["data"] - data}
    return pd.DataFrame(
        {"step": number, **parts, "decay": steps["decay"], "residual": steps["residual"]}
    )


def _shares(path: xr.DataArray, single: xr.DataArray) -> pd.DataFrame:
    shares = {}
    for name, influence in (("path", path), ("single", single)):
        sizes = abs(influence).sum(("explained", "trained"))
        shares[name] = (sizes / sizes.sum()).to_series()
    return pd.DataFrame(shares).rename_axis("component").reset_index()
