"""What the page of the claims shows."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from explaind.experiments.labelfree.claims import verdicts
from explaind.experiments.labelfree.settings import LabelfreeSettings
from explaind.report.sources import Sources


@dataclass(frozen=True)
class LabelfreeTables:
    """All numbers of the page.

    Attributes:
        verdicts: one row per claim.
        pages: pages of the experiments by their kind.
    """

    verdicts: pd.DataFrame
    pages: Mapping[str, str]

    def files(self) -> dict[str, pd.DataFrame]:
        """Return the tables behind the panels by name."""
        return {"verdicts": self.verdicts}


def read(sources: Sources, _: LabelfreeSettings) -> LabelfreeTables:
    """Work the numbers of the page out of the results of the experiments.

    Args:
        sources: the results.

    Returns:
        The numbers.
    """
    return LabelfreeTables(verdicts(sources), dict(sources.results.values()))
