"""The numbers of a page on a training: the metrics."""

from dataclasses import dataclass

import pandas as pd

from explaind.experiments.training.settings import TrainingSettings
from explaind.report.sources import Sources


@dataclass(frozen=True)
class TrainingTables:
    """All numbers of the page: the `metrics`, one row per step."""

    metrics: pd.DataFrame

    def files(self) -> dict[str, pd.DataFrame]:
        """Return the tables behind the panels by name."""
        return {"metrics": self.metrics}


def read(sources: Sources, _: TrainingSettings) -> TrainingTables:
    """Read the numbers of the page.

    Args:
        sources: what the run left on disk.

    Returns:
        The numbers.
    """
    return TrainingTables(sources.metrics)
