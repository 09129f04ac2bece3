"""What the page of the claims shows."""

from dataclasses import dataclass

import pandas as pd

from explaind.experiments.example_consistency.tables import COMPLETENESS, mean_checks
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
        completeness: how complete the path kernel of every recorded encoder is, with what is
            allowed (`example_consistency.tables.mean_checks`).
    """

    verdicts: pd.DataFrame
    outcomes: pd.DataFrame
    numbers: pd.DataFrame
    completeness: pd.DataFrame

    def files(self) -> dict[str, pd.DataFrame]:
        """Return the tables behind the panels by name."""
        return {
            "verdicts": self.verdicts,
            "outcomes": self.outcomes,
            "numbers": self.numbers,
            "completeness": self.completeness,
        }


def read(sources: Sources, _: LabelfreeSettings) -> LabelfreeTables:
    """Work the numbers of the page out of the results of the experiments.

    Args:
        sources: the results.

    Returns:
        The numbers.
    """
    numbers = numbers_found(sources)
    outcomes = outcomes_by_dataset(numbers)
    return LabelfreeTables(verdicts(outcomes), outcomes, numbers, completeness(sources))


def completeness(sources: Sources) -> pd.DataFrame:
    """Say of every recorded encoder how complete its path kernel is.

    Args:
        sources: the results.

    Returns:
        The rows of `mean_checks` that are about it, none if no path was explained.
    """
    tables = [sources.result(key) for key in sources.of_kind("example_consistency")]
    checks = pd.concat([pd.DataFrame({"check": []}), *tables])
    return mean_checks(checks[checks["check"] == COMPLETENESS])
