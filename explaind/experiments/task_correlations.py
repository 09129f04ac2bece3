"""How well what encoders find important agrees, for every pair of the tasks that trained them."""

from itertools import combinations

import numpy as np
import pandas as pd
import xarray as xr
from jaxtyping import Float

from explaind.labelfree.agreement import RANKS, correlation_by_sample, pooled_correlation
from explaind.report.tables.confidence import mean_interval

OVER = ("pooled", "per sample")
"""Over all entries of all samples at once; or over those of a sample, the mean of all samples."""

DIMS = ("replicate", "case", "over", "rank", "task", "other")


def correlations(
    importance: Float[np.ndarray, "task sample entry"],
) -> Float[np.ndarray, "over rank task task"]:
    """Correlate the importances that some encoders give to the same entries.

    Args:
        importance: importances of one kind.

    Returns:
        The correlations by `OVER` and by Pearson and Spearman.
    """
    by_sample = [np.nanmean(correlation_by_sample(importance, rank), axis=0) for rank in RANKS]
    pooled = [pooled_correlation(importance, rank) for rank in RANKS]
    return np.stack([np.stack(pooled), np.stack(by_sample)])


def correlation_array(values: list[list[np.ndarray]]) -> xr.DataArray:
    """Return the correlations of all replicates and cases as an array of a store.

    Args:
        values: what `correlations` returned, by replicate and case.

    Returns:
        Dims `DIMS`; coordinates of cases and tasks are left to the caller.
    """
    described = {"units": "1", "description": "correlation of importances of two tasks"}
    array = xr.DataArray(np.array(values), dims=DIMS, attrs=described)
    return array.assign_coords(over=list(OVER), rank=list(RANKS))


def summary(correlation: xr.DataArray) -> pd.DataFrame:
    """Sum up the replicates.

    Args:
        correlation: the array of a store, with the names of cases and tasks.

    Returns:
        One row per `case`, `over`, `rank` and pair of tasks (`task`, `other`): what `mean_interval`
        says of the replicates, and their standard deviation `std` (of the population, as
        published).
    """
    rows = []
    tasks = correlation["task"].to_numpy().astype(str)
    for case in correlation["case"].to_numpy():
        for over in OVER:
            for rank in RANKS:
                chosen = correlation.sel(case=case, over=over, rank=rank)
                for first, second in combinations(range(len(tasks)), 2):
                    drawn = chosen.isel(task=first, other=second).to_numpy()
                    pair = {"task": tasks[first], "other": tasks[second]}
                    place = {"case": str(case), "over": over, "rank": rank, **pair}
                    rows.append(place | mean_interval(drawn) | {"std": float(drawn.std())})
    return pd.DataFrame(rows)
