"""What the experiment `example_consistency` measured, summed up over the trainings."""

from typing import NamedTuple

import pandas as pd

from explaind.experiments.example_consistency.settings import ExampleConsistencySettings
from explaind.report.sources import Sources
from explaind.report.tables.confidence import mean_interval

CHANCE_FRACTION = 1.0
"""With everything selected the rate is that of chance."""


COMPLETENESS = "path_kernel: completeness"
"""The check that says how complete the path kernel is."""

ALLOWED = {COMPLETENESS: 5e-4}
"""Largest value of a check of any training, where one is asked for."""


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
    rates = without_checks(table)
    checks = table.drop(rates.index)
    return ExampleConsistencyTables(mean_rates(rates), mean_differences(rates), mean_checks(checks))


def without_checks(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the table of the experiment that have rates."""
    return table[table["end"] != "check"]


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
        `encoder`, `method`, the `fraction`; the rate of the `most` and of the `least` important,
        each with the ends of its interval (`most_low`, `most_high`, ...); the `limit` of the first,
        and `chance`, the rate with everything selected; and `mean`, `low`, `high` and `repetitions`
        of the difference of the two rates on the same network.
    """
    few, everything = (
        rates[rates["fraction"] == end] for end in (rates["fraction"].min(), CHANCE_FRACTION)
    )
    rows = []
    for (encoder, method), own in few.groupby(["encoder", "method"], sort=False):
        ends = {end: own["rate"][own["end"] == end].to_numpy() for end in ("most", "least")}
        row = {"encoder": encoder, "method": method, "fraction": few["fraction"].iloc[0]}
        for end, values in ends.items():
            interval = mean_interval(values)
            row |= {end: interval["mean"]}
            row |= {f"{end}_{name}": interval[name] for name in ("low", "high")}
        row |= {"limit": own["limit"][own["end"] == "most"].mean()}
        row |= {"chance": everything["rate"][everything["encoder"] == encoder].mean()}
        rows.append(row | mean_interval(ends["most"] - ends["least"]))
    return pd.DataFrame(rows)


def mean_checks(checks: pd.DataFrame) -> pd.DataFrame:
    """Average over the trainings how well methods were solved.

    Args:
        checks: the checks in the table of the experiment.

    Returns:
        `encoder`, `check`, and `mean`, `smallest` and `largest` of it; the value `allowed`, NaN
        where none is asked for, and whether it is `kept` by all trainings.
    """
    columns = ["encoder", "check", "mean", "smallest", "largest", "allowed", "kept"]
    if checks.empty:
        return pd.DataFrame(columns=columns)
    by_case = checks.groupby(["encoder", "check"], sort=False)["rate"]
    found = by_case.agg(mean="mean", smallest="min", largest="max").reset_index()
    known = by_case.count().to_numpy() == by_case.size().to_numpy()  # a NaN keeps nothing
    allowed = found["check"].map(ALLOWED).astype(float)
    kept = (known & (found["largest"] <= allowed)) | allowed.isna()
    return found.assign(allowed=allowed, kept=kept)
