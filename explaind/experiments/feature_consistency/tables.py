"""What the experiment `feature_consistency` measured, summed up over the trainings."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from explaind.experiments.feature_consistency.settings import FeatureConsistencySettings
from explaind.report.sources import Sources
from explaind.report.tables.confidence import mean_interval

FEW = 0.2
"""Fraction up to which the area is taken: with more hidden all good methods are alike."""

CONTROLS = ("brightest", "random_lit", "random")
QUANTITIES = ("normalised", "shift")


class FeatureConsistencyTables(NamedTuple):
    """All numbers of the page.

    Attributes:
        shifts: see `mean_shifts`.
        areas: see `mean_areas`.
    """

    shifts: pd.DataFrame
    areas: pd.DataFrame

    def files(self) -> dict[str, pd.DataFrame]:
        """Return the tables behind the panels by name."""
        return self._asdict()


def read(sources: Sources, _: FeatureConsistencySettings) -> FeatureConsistencyTables:
    """Read the numbers of the page.

    Args:
        sources: what there is on disk.

    Returns:
        The numbers.
    """
    table = with_nothing_hidden(sources.result("feature_consistency"))
    return FeatureConsistencyTables(mean_shifts(table), mean_areas(table))


def with_nothing_hidden(table: pd.DataFrame) -> pd.DataFrame:
    """Add the shift 0 of no feature hidden to every case.

    Args:
        table: the table of the experiment.

    Returns:
        It, by encoder, replicate, method and fraction.
    """
    cases = table[["encoder", "replicate", "method"]].drop_duplicates()
    nothing = cases.assign(fraction=0.0, shift=0.0, normalised=0.0)
    keys = ["encoder", "replicate", "method"]
    ranks = cases.reset_index(drop=True).reset_index(names="rank")
    joined = pd.concat([nothing, table]).merge(ranks, on=keys)
    return joined.sort_values(["rank", "fraction"], kind="stable").drop(columns="rank")


def mean_shifts(table: pd.DataFrame) -> pd.DataFrame:
    """Average over the trainings of an encoder.

    Args:
        table: see `with_nothing_hidden`.

    Returns:
        `encoder`, `method`, `fraction`, `quantity` (`shift` or `normalised`), and its `mean`,
        `low`, `high`, `smallest`, `largest`, `repetitions` (`confidence.mean_interval`).
    """
    rows = [
        {"encoder": encoder, "method": method, "fraction": fraction, "quantity": quantity}
        | mean_interval(cases[quantity].to_numpy())
        for quantity in QUANTITIES
        for (encoder, method, fraction), cases in table.groupby(
            ["encoder", "method", "fraction"], sort=False
        )
    ]
    return pd.DataFrame(rows)


def mean_areas(table: pd.DataFrame) -> pd.DataFrame:
    """Average the normalised shift over hiding 0 to 20 % of the input, for every method.

    Args:
        table: see `with_nothing_hidden`.

    Returns:
        `encoder`, `method`, `mean`, `low`, `high` and `repetitions` of the area (0 = nothing moves,
        1 = one feature moves as much as all). For every control of `CONTROLS`, `above_{control}` is
        by how much the area is larger than that of the control on the same network, with the ends
        `above_{control}_low` and `above_{control}_high` of its interval; NaN without that control.
    """
    areas = (
        table.groupby(["encoder", "method", "replicate"], sort=False)[["fraction", "normalised"]]
        .apply(lambda rows: area_up_to(FEW, rows["fraction"], rows["normalised"]))
        .rename("area")
    )
    by_case = areas.groupby(["encoder", "method"], sort=False)
    of_case, rows = {case: values.to_numpy() for case, values in by_case}, []
    for (encoder, method), own in of_case.items():
        row = {"encoder": encoder, "method": method} | mean_interval(own)
        for control in CONTROLS:
            margin = mean_interval(own - of_case.get((encoder, control), np.nan))
            row[f"above_{control}"] = margin["mean"]
            row |= {f"above_{control}_{end}": margin[end] for end in ("low", "high")}
        rows.append(row)
    return pd.DataFrame(rows)


def area_up_to(most: float, fraction: pd.Series, value: pd.Series) -> float:
    """Return the mean of a curve from 0 to `most`, straight between its points.

    Args:
        most: where it ends.
        fraction: where the points are, ascending from 0.
        value: the points.

    Returns:
        The mean.
    """
    inside = fraction.to_numpy() < most
    x = np.append(fraction.to_numpy()[inside], most)
    return float(np.trapezoid(np.interp(x, fraction, value), x) / most)
