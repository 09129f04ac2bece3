"""What the experiment `pruning` measured: means over its random splits, and methods compared."""

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from explaind.experiments.pruning.settings import PruningSettings
from explaind.report.sources import Sources
from explaind.report.tables.confidence import mean_and_margin, verdict, wilson_interval

CASE = ["grid", "scope", "method", "keep"]
METRICS = {"accuracy": 1, "agreement": 1, "kl": -1}
"""The metrics; 1 = larger is better."""

FRACTIONS = ("accuracy", "agreement")
"""Those that are fractions of the tests."""

DECIMALS = 12
"""Of differences: methods that are equal on average then differ by 0, not by rounding."""

UNPRUNED = "none"
ZEROS = "zeros_"
INFLUENCE = ("influence", "influence per step")


@dataclass(frozen=True)
class PruningTables:
    """All numbers of the page.

    Attributes:
        unpruned: the rows of the unpruned network, one per seed.
        means: see `pruning_means`.
        comparison: see `pruning_comparison`.
        layers: see `layer_means`.
    """

    unpruned: pd.DataFrame
    means: pd.DataFrame
    comparison: pd.DataFrame
    layers: pd.DataFrame

    def files(self) -> dict[str, pd.DataFrame]:
        """Return the tables behind the panels by name."""
        return {"means": self.means, "comparison": self.comparison, "layers": self.layers}


def read(sources: Sources, _: PruningSettings) -> PruningTables:
    """Work the numbers of the page out of the result of the experiment.

    Args:
        sources: what the run left on disk.

    Returns:
        The numbers.
    """
    table = sources.result("pruning")
    unpruned = table[table["method"] == UNPRUNED]
    means, comparison = pruning_means(table), pruning_comparison(table)
    return PruningTables(unpruned, means, comparison, layer_means(table))


def pruning_means(table: pd.DataFrame) -> pd.DataFrame:
    """Average over the seeds.

    Args:
        table: the table of the experiment.

    Returns:
        One row per grid, scope, method and share asked for (`keep`): `kept`; `tests`, the number of
        tested samples of all seeds; `accuracy`, `agreement` and `kl` (nat), and for each `_low` and
        `_high`: of a fraction of the tests its 95 % interval (Wilson), of `kl` the range over the
        seeds.
    """
    pruned = table[table["method"] != UNPRUNED]
    cases = pruned.groupby(CASE, sort=False)
    means = cases[["kept", *METRICS]].mean().assign(tests=cases["tested"].sum())
    for metric in FRACTIONS:
        ends = wilson_interval(means[metric].to_numpy(), means["tests"].to_numpy())
        means[f"{metric}_low"], means[f"{metric}_high"] = ends
    means["kl_low"], means["kl_high"] = cases["kl"].min(), cases["kl"].max()
    return means.reset_index().sort_values("keep", kind="stable", ignore_index=True)


def layer_means(table: pd.DataFrame) -> pd.DataFrame:
    """Average the share of zeros in every tensor over the seeds.

    Args:
        table: the table of the experiment.

    Returns:
        One row per grid, scope, method, share asked for and tensor: `kept` (of all parameters),
        `tensor`, `zeros`, and `low` and `high`, its range over the seeds.
    """
    columns = [str(column) for column in table.columns if str(column).startswith(ZEROS)]
    pruned = table[table["method"] != UNPRUNED]
    long = pruned.melt([*CASE, "kept"], columns, "tensor", "zeros")
    long["tensor"] = long["tensor"].str.removeprefix(ZEROS)
    numbers = {"kept": ("kept", "mean"), "zeros": ("zeros", "mean")}
    ends = {"low": ("zeros", "min"), "high": ("zeros", "max")}
    means = long.groupby([*CASE, "tensor"], sort=False).agg(**numbers, **ends).reset_index()
    return means.sort_values("keep", kind="stable", ignore_index=True)


def pruning_comparison(table: pd.DataFrame) -> pd.DataFrame:
    """Compare pruning by influence with the other methods, seed by seed.

    Every metric is averaged over the shares of a grid; the differences are paired by seed.

    Args:
        table: the table of the experiment.

    Returns:
        One row per grid, scope, method by influence, other method (`baseline`) and `metric`: the
        mean of both, `difference` (method less baseline) with half of its 95 % interval
        (`margin`), and the `verdict`.
    """
    pruned = table[table["method"] != UNPRUNED]
    averages = {metric: _grid_averages(pruned, metric) for metric in METRICS}
    grids, scopes, methods = (pruned[column].unique() for column in ("grid", "scope", "method"))
    others = [method for method in methods if method not in INFLUENCE]
    rows = []
    for grid, scope, method, other, metric in product(grids, scopes, INFLUENCE, others, METRICS):
        own, theirs = (averages[metric][grid, scope, name] for name in (method, other))
        found = mean_and_margin(own - theirs)
        difference, margin = (round(float(value), DECIMALS) for value in found)
        ends = (difference - margin, difference + margin)
        row = {"grid": grid, "scope": scope, "method": method, "baseline": other}
        row |= {"metric": metric, "mean": own.mean(), "baseline_mean": theirs.mean()}
        row |= {"difference": difference, "margin": margin}
        rows.append({**row, "verdict": verdict(*ends, METRICS[metric])})
    return pd.DataFrame(rows)


def _grid_averages(pruned: pd.DataFrame, metric: str) -> dict[Any, np.ndarray]:
    """Return mean over the shares of a grid by seed, for every grid, scope and method."""
    index = ["grid", "scope", "method"]
    wide = pruned.pivot_table(index=index, columns="seed", values=metric, sort=False)
    return dict(zip(wide.index, wide.to_numpy(), strict=True))
