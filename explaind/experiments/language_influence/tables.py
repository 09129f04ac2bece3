"""The numbers of the page about languages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from jaxtyping import Float

from explaind.errors import StoreError
from explaind.experiments.language_influence.clustering import (
    Agreement,
    agreement,
    normalised,
    order_of,
    tree_of,
)
from explaind.experiments.language_influence.settings import LanguageInfluenceSettings
from explaind.report.sources import Sources
from explaind.report.tables.outputs import output_unit
from explaind.report.tables.steps import decomposition_by_step

NEAREST = 3


@dataclass(frozen=True)
class LanguageTables:
    """All numbers of the page.

    Attributes:
        influence: `[interval, component, explained, trained]`, languages in the order of the tree;
            coordinates `start` and `stop` of the intervals.
        unit: unit of the explained output.
        shares: share of every component in the absolute influence of each interval.
        nearest: the nearest languages of each, by normalised influence.
        parts: the decomposition of the change of every language.
        steps: the decomposition of every step, mean over the languages.
        families: agreement with known families, if there are any.
    """

    influence: xr.DataArray
    unit: str
    shares: pd.DataFrame
    nearest: pd.DataFrame
    parts: pd.DataFrame
    steps: pd.DataFrame
    families: Agreement | None

    def files(self) -> dict[str, pd.DataFrame]:
        """Return the tables behind the panels by name."""
        long = self.influence.to_dataframe("influence").reset_index()
        return {
            "influence": long,
            "shares": self.shares,
            "nearest": self.nearest,
            "parts": self.parts,
            "steps": self.steps,
        }


def read(sources: Sources, settings: LanguageInfluenceSettings) -> LanguageTables:
    """Read the numbers of the page.

    Args:
        sources: what the run left on disk.
        settings: the section of the config.

    Returns:
        The numbers.
    """
    store, influence = sources.influence, named_influence(sources)
    similar = normalised(influence.sum(("interval", "component")).to_numpy())
    order = order_of(tree_of(similar))
    names = influence["trained"].to_numpy()
    families = families_of(names, settings.families)
    return LanguageTables(
        influence=influence.isel(explained=order, trained=order),
        unit=output_unit(store),
        shares=_shares(influence),
        nearest=nearest_languages(similar, names),
        parts=decomposition(store, names),
        steps=decomposition_by_step(store),
        families=agreement(similar, families, settings.permutations) if families else None,
    )


def named_influence(sources: Sources) -> xr.DataArray:
    """Read the influence of languages on languages.

    Args:
        sources: what the run left on disk.

    Returns:
        `[interval, component, explained, trained]`, languages by name in the same order on both
        axes, with coordinates `start` and `stop` of the intervals.

    Raises:
        StoreError: if influence was not kept by group and interval, or of several outputs.
    """
    store = sources.influence
    if "group" not in store.dims or "influence_by_interval" not in store:
        raise StoreError(
            f"{sources.name}: expected influence by group and interval. Set"
            f" runs.{sources.run}.epk.groups to group, add `interval` to epk.keep, and run"
            " `predict_epk` again."
        )
    if store.sizes["output"] != 1:
        raise StoreError(
            f"{sources.name}: expected one explained output for each language, got"
            f" {store.sizes['output']}. Set runs.{sources.run}.epk.functional to mean_logprob."
        )
    names = list(sources.data.attrs["groups"])
    influence = store["influence_by_interval"].isel(output=0, drop=True).load().astype(np.float64)
    influence = influence.rename(test="explained", group="trained")
    explained = [names[row] for row in store["test_index"].to_numpy()]
    influence = influence.assign_coords(
        explained=explained,
        start=("interval", store["interval_start"].to_numpy()),
        stop=("interval", store["interval_stop"].to_numpy()),
    )
    return influence.sel(trained=explained).transpose(
        "interval", "component", "explained", "trained"
    )


def families_of(names: np.ndarray, families: Mapping[str, Sequence[str]]) -> list[str] | None:
    """Return the family of every language, by default itself; None if no families are known."""
    family_of = {name: family for family, some in families.items() for name in some}
    return [family_of.get(name, name) for name in names] if family_of else None


def decomposition(store: xr.Dataset, names: np.ndarray) -> pd.DataFrame:
    """Decompose the change of every language.

    Args:
        store: the influence store.
        names: names of the explained languages.

    Returns:
        One row per language with the columns `language`, `initial`, `data`, `decay`, `residual`,
        `final`.
    """
    columns = ("initial_output", "data", "decay", "residual", "final_output")
    parts = {name: store[name].to_numpy()[:, 0] for name in columns}
    table = pd.DataFrame({"language": names, **parts})
    return table.rename(columns={"initial_output": "initial", "final_output": "final"})


def _shares(influence: xr.DataArray) -> pd.DataFrame:
    sizes = influence.copy(data=np.abs(influence.to_numpy())).sum(("explained", "trained"))
    shares = sizes / sizes.sum("component")
    table = shares.to_dataframe("share").reset_index()
    return table.loc[:, ["start", "stop", "component", "share"]]


def nearest_languages(
    similar: Float[np.ndarray, "language language"], names: np.ndarray
) -> pd.DataFrame:
    """Find the nearest languages of each.

    Args:
        similar: normalised influence.
        names: the languages.

    Returns:
        Columns `language`, `rank` from 1, `nearest`, `normalised_influence`.
    """
    rows = []
    for name, row in zip(names, np.nan_to_num(similar, nan=-np.inf), strict=True):
        others = [k for k in np.argsort(-row, kind="stable") if names[k] != name][:NEAREST]
        rows += [(name, rank + 1, names[k], row[k]) for rank, k in enumerate(others)]
    return pd.DataFrame(rows, columns=["language", "rank", "nearest", "normalised_influence"])
