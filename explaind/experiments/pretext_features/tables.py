"""The numbers of the page on pretext tasks and features."""

from dataclasses import dataclass

import pandas as pd
import xarray as xr

from explaind.experiments.pretext_features.settings import PretextFeaturesSettings
from explaind.experiments.task_correlations import summary
from explaind.report.sources import Sources


@dataclass(frozen=True)
class PretextFeatureTables:
    """All numbers of the page.

    Attributes:
        correlations: see `task_correlations.summary`; a case is a method.
        importance: absolute importances of the samples that are shown.
        images: those samples; None if they are no images.
    """

    correlations: pd.DataFrame
    importance: xr.DataArray
    images: xr.DataArray | None

    def files(self) -> dict[str, pd.DataFrame]:
        """Return the tables behind the panels by name."""
        return {"correlations": self.correlations}


def read(sources: Sources, _: PretextFeaturesSettings) -> PretextFeatureTables:
    """Read the numbers of the page.

    Args:
        sources: what there is on disk.

    Returns:
        The numbers.
    """
    store = sources.store("pretext_features")
    x = sources.data["x_validation"].isel(validation=store["sample"].to_numpy())
    return PretextFeatureTables(
        correlations=summary(store["correlation"]),
        importance=store["importance"],
        images=x if "row" in x.dims else None,
    )
