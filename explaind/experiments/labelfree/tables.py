"""What the page of the claims shows."""

from dataclasses import dataclass

import pandas as pd

from explaind.experiments.labelfree.claims import numbers_found, outcomes_by_dataset, verdicts
from explaind.experiments.labelfree.settings import LabelfreeSettings
from explaind.report.sources import Sources


@dataclass(frozen=True)
class LabelfreeTables:
    """All numbers of the page.

    Attributes:
        verdicts: one row per claim (`claims.verdicts`).
        outcomes: one row per claim and dataset (`claims.outcomes_by_dataset`).
        numbers: every number behind them (`claims.numbers_found`).
    """

    verdicts: pd.DataFrame
    outcomes: pd.DataFrame
    numbers: pd.DataFrame

    def files(self) -> dict[str, pd.DataFrame]:
        """Return the tables behind the panels by name."""
        return {"verdicts": self.verdicts, "outcomes": self.outcomes, "numbers": self.numbers}


def read(sources: Sources, _: LabelfreeSettings) -> LabelfreeTables:
    """Work the numbers of the page out of the results of the experiments.

    Args:
        sources: the results.

    Returns:
        The numbers.
    """
    numbers = numbers_found(sources)
    outcomes = outcomes_by_dataset(numbers)
    return LabelfreeTables(verdicts(outcomes), outcomes, numbers)
