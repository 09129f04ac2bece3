"""What the experiment `pruning` measured: means over its random splits, and methods compared."""

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from explaind.experiments.pruning.settings import PruningSettings
from explaind.report.sources import Sources
from explaind.report.tables.confidence import mean_and_margin, verdict

CASE = ["grid", "scope", "method", "keep"]
METRICS = {"accuracy": 1, "agreement": 1, "kl": -1}
"""The metrics; 1 = larger is better."""

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
        One row per grid, scope, method and share asked for (`keep`): `kept`, `accuracy`,
        `agreement`, `kl` (nat) and, for each, `_margin`, half of its 95 % interval.
    """
    return _means(table, ["kept", *METRICS])


def layer_means(table: pd.DataFrame) -> pd.DataFrame:
    """Average the share of zeros in every tensor over the seeds.

    Args:
        table: the table of the experiment.

    Returns:
        One row per grid, scope, method, share asked for and tensor: `kept` (of all parameters),
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
        difference, margin = (float(value) for value in mean_and_margin(own - theirs))
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


def _means(table: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    pruned = table[table["method"] != UNPRUNED]
    averages: dict[str, np.ndarray] = {}
    for column in columns:
        by_seed = pruned.pivot_table(index=CASE, columns="seed", values=column, sort=False)
        mean, margin = mean_and_margin(by_seed.to_numpy())
        averages |= {column: mean, f"{column}_margin": margin}
    means = pd.DataFrame(averages, index=by_seed.index).reset_index()
    return means.sort_values("keep", kind="stable", ignore_index=True)
