"""What the experiment `disentanglement` measured, by loss and beta."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from scipy import stats

from explaind.experiments.disentanglement.settings import DisentanglementSettings
from explaind.report.sources import Sources
from explaind.report.tables.confidence import LEVEL

METRICS = ("pearson", "spearman", "cosine", "entropy", "active_units")
MODEL = ["encoder", "replicate", "loss", "beta"]
LOSSES = ("beta-VAE", "TC-VAE")
FALL = 0.1
"""Least fall of the correlation of maps that counts: twice the deviation of published models."""

MOST_TRAININGS = 1000  # that are ever asked for


@dataclass(frozen=True)
class DisentanglementTables:
    """All numbers of the page.

    Attributes:
        models: see `model_rows`.
        effects: see `beta_effects`.
        units: one row per model and unit: `encoder`, `replicate`, `loss`, `beta`, `unit`, `kl`
            (nat) and `active`.
        store: the store of the experiment, with the maps.
    """

    models: pd.DataFrame
    effects: pd.DataFrame
    units: pd.DataFrame
    store: xr.Dataset

    def files(self) -> dict[str, pd.DataFrame]:
        """Return the tables behind the panels by name."""
        return {"models": self.models, "effects": self.effects, "units": self.units}


def read(sources: Sources, _: DisentanglementSettings) -> DisentanglementTables:
    """Work the numbers of the page out of the result of the experiment.

    Args:
        sources: what lies on disk.

    Returns:
        The numbers.
    """
    store = named(sources.store("disentanglement").load())
    units = store[["kl", "active"]].to_dataframe().reset_index().dropna(subset="kl")
    models = model_rows(store)
    return DisentanglementTables(
        models,
        beta_effects(models),
        units[[*MODEL, "unit", "kl", "active"]],
        store,
    )


def named(store: xr.Dataset) -> xr.Dataset:
    """Give every model its coordinates `MODEL`.

    Args:
        store: the store of the experiment.

    Returns:
        The store with them.
    """
    names = [str(name).rpartition(" ") for name in store["model"].to_numpy()]
    return store.set_coords("beta").assign_coords(
        encoder=("model", [name for name, _, _ in names]),
        replicate=("model", [int(replicate) for _, _, replicate in names]),
        loss=("model", [LOSSES[int(tc)] for tc in store["tc"].to_numpy()]),
    )


def model_rows(store: xr.Dataset) -> pd.DataFrame:
    """List the metrics of every model.

    Args:
        store: the store of the experiment, `named`.

    Returns:
        One row per model and scope: `encoder`, `replicate`, `loss`, `beta`, `scope` (`all` or
        `active` units), `compared`, the number of its units, and `METRICS`.
    """
    counts = {"all": store["kl"].count("unit"), "active": store["active"].sum("unit")}
    compared = xr.concat([counts[scope] for scope in store["scope"].to_numpy()], store["scope"])
    rows = store[list(METRICS)].assign(compared=compared).to_dataframe().reset_index()
    return rows[[*MODEL, "scope", "compared", *METRICS]]


def beta_effects(models: pd.DataFrame) -> pd.DataFrame:
    """Say how the correlation of maps changes from the smallest beta to the largest.

    Args:
        models: the rows of `model_rows`.

    Returns:
        One row per loss and scope: `loss`, `scope`, `smallest` and `largest` beta, the mean
        `pearson_smallest` and `pearson_largest`, their `difference` with the ends `low` and `high`
        of its 95 % interval over trainings (Welch; NaN for fewer than two trainings of either),
        `trainings`, how many have a correlation, `needed`, how many of each beta would tell a
        change by `FALL` from none if they scatter like these (NaN as the interval, or above
        `MOST_TRAININGS`), and `correlation` of beta and Pearson over them.
    """
    rows = []
    for (loss, scope), own in models.groupby(["loss", "scope"], sort=False):
        known = own.dropna(subset="pearson")
        betas = own["beta"].min(), own["beta"].max()
        ends = [known.loc[known["beta"] == beta, "pearson"].to_numpy() for beta in betas]
        means = [values.mean() if len(values) else np.nan for values in ends]
        low, high = _welch(*ends)
        varied = min(known["beta"].nunique(), known["pearson"].nunique()) > 1
        rows.append(
            {
                "loss": loss,
                "scope": scope,
                "smallest": betas[0],
                "largest": betas[1],
                "pearson_smallest": means[0],
                "pearson_largest": means[1],
                "difference": means[1] - means[0],
                "low": low,
                "high": high,
                "trainings": len(known),
                "needed": _needed(*ends),
                "correlation": known["beta"].corr(known["pearson"]) if varied else np.nan,
            }
        )
    return pd.DataFrame(rows)


def _welch(smallest: np.ndarray, largest: np.ndarray) -> tuple[float, float]:
    """The interval of the difference of two means, whose variances may differ."""
    if min(len(smallest), len(largest)) < 2:  # a variance needs two
        return np.nan, np.nan
    test = stats.ttest_ind(largest, smallest, equal_var=False)
    interval = test.confidence_interval(LEVEL)
    return float(interval.low), float(interval.high)


def _needed(smallest: np.ndarray, largest: np.ndarray) -> float:
    """Trainings of either beta with which half the interval of the difference is at most `FALL`."""
    if min(len(smallest), len(largest)) < 2:
        return np.nan
    trainings = np.arange(2, MOST_TRAININGS + 1)
    variance = (smallest.var(ddof=1) + largest.var(ddof=1)) / trainings
    quantile = stats.t.ppf((1 + LEVEL) / 2, 2 * (trainings - 1))
    enough = quantile * np.sqrt(variance) <= FALL
    return float(trainings[enough][0]) if enough.any() else np.nan
