"""What the experiment `pruning` found: means over its seeds, and methods compared."""

from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from explaind.report.tables.confidence import mean_and_margin
from explaind.report.tables.run import read_table

CASE = ["grid", "quota", "method", "keep"]
METRICS = {"accuracy": 1, "agreement": 1, "kl": -1}
"""The metrics; 1 = larger is better."""

UNPRUNED = "none"
ZEROS = "zeros_"
INFLUENCE = ("influence", "influence per step")


def read_pruning(path: Path) -> pd.DataFrame:
    """Read the table of the experiment, one row per pruned network.

    Raises:
        StoreError: if the file is missing or unreadable.
    """
    return read_table(path, "pruning")


def pruning_means(table: pd.DataFrame) -> pd.DataFrame:
    """Average over the seeds.

    Args:
        table: the table of the experiment.

    Returns:
        One row per grid, quota, method and share asked for (`keep`): `kept`, `accuracy`,
        `agreement`, `kl` (nat) and, for each, `_margin`, half of its 95 % interval.
    """
    return _means(table, ["kept", *METRICS])


def layer_means(table: pd.DataFrame) -> pd.DataFrame:
    """Average the share of zeros in every tensor over the seeds.

    Args:
        table: the table of the experiment.

    Returns:
        One row per grid, quota, method, share asked for and tensor: `kept` (of all parameters),
        `tensor`, `zeros` and `zeros_margin`, half of its 95 % interval.
    """
    columns = [str(column) for column in table.columns if str(column).startswith(ZEROS)]
    means = _means(table, ["kept", *columns])
    return pd.concat(
        [
            means[[*CASE, "kept"]].assign(
                tensor=column.removeprefix(ZEROS),
                zeros=means[column],
                zeros_margin=means[f"{column}_margin"],
            )
            for column in columns
        ],
        ignore_index=True,
    )


def pruning_comparison(table: pd.DataFrame) -> pd.DataFrame:
    """Compare pruning by influence with the other methods, seed by seed.

    Every metric is averaged over the shares of a grid; the differences are paired by seed.

    Args:
        table: the table of the experiment.

    Returns:
        One row per grid, quota, method by influence, other method (`baseline`) and `metric`: the
        mean of both, `difference` (method less baseline) with half of its 95 % interval
        (`margin`), and the `verdict`: `better` or `worse` where the interval leaves out zero, else
        `not told apart`.
    """
    pruned = table[table["method"] != UNPRUNED]
    averages = {metric: _grid_averages(pruned, metric) for metric in METRICS}
    grids, quotas, methods = (pruned[column].unique() for column in ("grid", "quota", "method"))
    others = [method for method in methods if method not in INFLUENCE]
    rows = []
    for grid, quota, method, other, metric in product(grids, quotas, INFLUENCE, others, METRICS):
        own, theirs = (averages[metric][grid, quota, name] for name in (method, other))
        difference, margin = (float(value) for value in mean_and_margin(own - theirs))
        row = {"grid": grid, "quota": quota, "method": method, "baseline": other}
        row |= {"metric": metric, "mean": own.mean(), "baseline_mean": theirs.mean()}
        row |= {"difference": difference, "margin": margin}
        rows.append({**row, "verdict": verdict(difference, margin, metric)})
    return pd.DataFrame(rows)


def verdict(difference: float, margin: float, metric: str) -> str:
    """Say what a difference with its margin means for a metric."""
    if abs(difference) <= margin:
        return "not told apart"
    return "better" if METRICS[metric] * difference > 0 else "worse"


def _grid_averages(pruned: pd.DataFrame, metric: str) -> dict[Any, np.ndarray]:
    """Mean over the shares of a grid by seed, for every grid, quota and method."""
    index = ["grid", "quota", "method"]
    wide = pruned.pivot_table(index=index, columns="seed", values=metric, sort=False)
    return dict(zip(wide.index, wide.to_numpy(), strict=True))


def _means(table: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    pruned = table[table["method"] != UNPRUNED]
    found: dict[str, np.ndarray] = {}
    for column in columns:
        by_seed = pruned.pivot_table(index=CASE, columns="seed", values=column, sort=False)
        mean, margin = mean_and_margin(by_seed.to_numpy())
        found |= {column: mean, f"{column}_margin": margin}
    means = pd.DataFrame(found, index=by_seed.index).reset_index()
    return means.sort_values("keep", kind="stable", ignore_index=True)
