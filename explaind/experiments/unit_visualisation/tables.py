"""What the experiment `unit_visualisation` found."""

from dataclasses import dataclass

import pandas as pd
import xarray as xr

from explaind.experiments.unit_visualisation.settings import UnitVisualisationSettings
from explaind.report.sources import Sources


@dataclass(frozen=True)
class UnitTables:
    """All numbers of the page.

    Attributes:
        units: see `unit_rows`.
        images: the found images `[encoder, direction, unit, channel, row, column]`.
    """

    units: pd.DataFrame
    images: xr.DataArray

    def files(self) -> dict[str, pd.DataFrame]:
        """Return the tables behind the panels by name."""
        return {"units": self.units}


def read(sources: Sources, _: UnitVisualisationSettings) -> UnitTables:
    """Work the numbers of the page out of the result of the experiment.

    Args:
        sources: what lies on disk.

    Returns:
        The numbers.
    """
    store = sources.store("unit_visualisation").load()
    return UnitTables(unit_rows(store), store["images"])


def unit_rows(store: xr.Dataset) -> pd.DataFrame:
    """List what the search reached.

    Args:
        store: the store of the experiment.

    Returns:
        One row per encoder and unit: `encoder`, `unit`, `smallest` and `largest`, its values on the
        found images, and `low` and `high`, between which 90 % of the test inputs lie.
    """
    reached, quantiles = store["reached"], store["quantile_value"]
    columns = {
        "smallest": reached.sel(direction="smallest", drop=True),
        "low": quantiles.isel(quantile=0, drop=True),
        "high": quantiles.isel(quantile=-1, drop=True),
        "largest": reached.sel(direction="largest", drop=True),
    }
    return xr.Dataset(columns).to_dataframe().dropna().reset_index()
