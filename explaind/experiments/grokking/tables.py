"""The numbers of the grokking page, from the stores of a run."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from explaind.experiments.grokking.settings import GrokkingSettings
from explaind.report.sources import Sources
from explaind.report.tables.explained import Explained, explained_output


@dataclass(frozen=True)
class GrokkingTables:
    """All numbers of the page.

    Attributes:
        metrics: one row per step.
        explained: the explained output.
        p: the modulus.
        statistics: the numbers of `validation.json`.
        train_samples: number of training samples.
    """

    metrics: pd.DataFrame
    explained: Explained
    p: int
    statistics: Mapping[str, Any]
    train_samples: int

    def files(self) -> dict[str, pd.DataFrame]:
        """Return the tables behind the panels by name."""
        return {
            "curves": self.metrics,
            "cancellation": self.explained.cancellation,
        }


def read(sources: Sources, _: GrokkingSettings) -> GrokkingTables:
    """Read the numbers of the page.

    Args:
        sources: what the run left on disk.

    Returns:
        The numbers.
    """
    influence, data = sources.influence, sources.data
    return GrokkingTables(
        metrics=sources.metrics,
        explained=explained_output(influence, sources.metrics),
        p=data.attrs["p"],
        statistics=sources.statistics,
        train_samples=influence.sizes["train"],
    )
