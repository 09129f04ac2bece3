"""What the experiment `example_consistency` measured, summed up over the trainings."""

from typing import NamedTuple

import pandas as pd

from explaind.experiments.example_consistency.settings import ExampleConsistencySettings
from explaind.report.sources import Sources
from explaind.report.tables.confidence import mean_interval

CHANCE_FRACTION = 1.0
"""With everything selected the rate is that of chance."""


class ExampleConsistencyTables(NamedTuple):
    """All numbers of the page.

    Attributes:
        rates: see `mean_rates`.
        areas: see `mean_differences`.
        checks: see `mean_checks`.
    """

    rates: pd.DataFrame
    areas: pd.DataFrame
    checks: pd.DataFrame

    def files(self) -> dict[str, pd.DataFrame]:
        """Return the tables behind the panels by name."""
        return self._asdict()


def read(sources: Sources, _: ExampleConsistencySettings) -> ExampleConsistencyTables:
    """Read the numbers of the page.

    Args:
        sources: what there is on disk.

    Returns:
        The numbers.
    """
    table = sources.result("example_consistency")
    is_check = table["end"] == "check"
    rates = table[~is_check]
    return ExampleConsistencyTables(
        mean_rates(rates), mean_differences(rates), mean_checks(table[is_check])
    )


def mean_rates(rates: pd.DataFrame) -> pd.DataFrame:
    """Average over the trainings of an encoder.

    Args:
        rates: the table of the experiment, without checks.

    Returns:
        `encoder`, `method`, `end`, `fraction`, `limit`, and of the rate `mean`, `low`,
        `high`, `smallest`, `largest`, `repetitions` (`confidence.mean_interval`).
    """
    keys = ["encoder", "method", "end", "fraction"]
    return pd.DataFrame(
        [
            dict(zip(keys, values, strict=True))
            | {"limit": rows["limit"].mean()}
            | mean_interval(rows["rate"].to_numpy())
            for values, rows in rates.groupby(keys, sort=False)
        ]
    )


def mean_differences(rates: pd.DataFrame) -> pd.DataFrame:
    """Compare every method with chance, where the fewest training samples are selected.

    Args:
        rates: the table of the experiment, without checks.

    Returns:
        `encoder`, `method`, the `fraction`, rate of the `most` and of the `least` important, the
        `limit` of the first, and `mean`, `low`, `high` and `repetitions` of the difference of the
        two rates on the same network.
    """
    few = rates[rates["fraction"] == rates["fraction"].min()]
    rows = []
    for (encoder, method), own in few.groupby(["encoder", "method"], sort=False):
        most, least = (own["rate"][own["end"] == end].to_numpy() for end in ("most", "least"))
        rows.append(
            {"encoder": encoder, "method": method, "fraction": few["fraction"].iloc[0]}
            | {"most": most.mean(), "least": least.mean()}
            | {"limit": own["limit"][own["end"] == "most"].mean()}
            | mean_interval(most - least)
        )
    return pd.DataFrame(rows)


def mean_checks(checks: pd.DataFrame) -> pd.DataFrame:
    """Average over the trainings how well methods were solved.

    Args:
        checks: the checks in the table of the experiment.

    Returns:
        `encoder`, `check`, and `mean`, `smallest` and `largest` of it.
    """
    columns = ["encoder", "check", "mean", "smallest", "largest"]
    if checks.empty:
        return pd.DataFrame(columns=columns)
    found = checks.groupby(["encoder", "check"], sort=False)["rate"].agg(["mean", "min", "max"])
    return found.rename(columns={"min": "smallest", "max": "largest"}).reset_index()
