"""The numbers of the page with the maps of samples."""

from dataclasses import dataclass

import pandas as pd

from explaind.experiments.maps.settings import MapsSettings
from explaind.experiments.similarity.samples import sample_table
from explaind.report.sources import Sources

NUMBERS = ["split", "name", "class"]


@dataclass(frozen=True)
class MapsTables:
    """All numbers of the page.

    Attributes:
        points: the table of the experiment with what each sample is: `split`, `name`, `class`, and
            of modular addition `wraps`.
        neighbours: neighbours that UMAP looked at.
    """

    points: pd.DataFrame
    neighbours: int

    def files(self) -> dict[str, pd.DataFrame]:
        """Return the tables behind the panels by name."""
        return {"points": self.points}


def read(sources: Sources, settings: MapsSettings) -> MapsTables:
    """Read the numbers of the page.

    Args:
        sources: what the run left on disk.
        settings: the section of the config.

    Returns:
        The numbers.
    """
    samples = sample_table(sources.store("similarity"), sources.data)
    columns = [*NUMBERS, *(["wraps"] if "wraps" in samples else [])]
    points = sources.result("maps").join(samples[columns], on="sample")
    return MapsTables(points, min(settings.neighbours, len(samples) - 1))
