"""The numbers of a page on how a network learned."""

from dataclasses import dataclass

import pandas as pd

from explaind.experiments.training.settings import TrainingSettings
from explaind.report.sources import Sources
from explaind.report.tables.explained import Explained, explained_output
from explaind.report.tables.steps import decomposition_by_step, influence_by_component


@dataclass(frozen=True)
class TrainingTables:
    """All numbers of the page.

    Attributes:
        metrics: one row per step.
        explained: the explained output.
        decomposition: what changed it at each step, see `decomposition_by_step`.
        components: what acted through each component, see `influence_by_component`.
        smoothing: steps of the moving average.
    """

    metrics: pd.DataFrame
    explained: Explained
    decomposition: pd.DataFrame
    components: pd.DataFrame
    smoothing: int

    def files(self) -> dict[str, pd.DataFrame]:
        """Return the tables behind the panels by name."""
        return {
            "metrics": self.metrics,
            "decomposition": self.decomposition,
            "components": self.components,
            "cancellation": self.explained.cancellation,
        }


def read(sources: Sources, settings: TrainingSettings) -> TrainingTables:
    """Read the numbers of the page.

    Args:
        sources: what the run left on disk.
        settings: the options of the page.

    Returns:
        The numbers.
    """
    influence = sources.influence
    return TrainingTables(
        metrics=sources.metrics,
        explained=explained_output(influence, sources.metrics),
        decomposition=decomposition_by_step(influence),
        components=influence_by_component(influence),
        smoothing=settings.smoothing,
    )
