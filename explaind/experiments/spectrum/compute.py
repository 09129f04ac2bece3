"""Frequencies of the weights over training, of the similarity of samples, and of influence."""

from collections.abc import Iterator
from itertools import product

import numpy as np
import pandas as pd
import xarray as xr
from jaxtyping import Float

from explaind.config.dataset import ModuloDataset
from explaind.errors import ConfigError
from explaind.experiments.job import Job
from explaind.experiments.similarity.cosines import component_grams, cosines
from explaind.experiments.spectrum.settings import SpectrumSettings
from explaind.experiments.spectrum.waves import fourier_table, profile_of
from explaind.history.replay.history import History
from explaind.report.tables.classes import class_maps

Case = dict[str, str | int]
"""What a matrix is, by column of the table."""

WEIGHTS, SIMILARITY, INFLUENCE = "weights", "similarity", "influence"


def compute(job: Job[SpectrumSettings]) -> pd.DataFrame:
    """Decompose every matrix between numbers modulo p into waves.

    Args:
        job: the experiment.

    Returns:
        One row per matrix and frequency, see `waves.fourier_table`. A matrix is of a `source`:
        `WEIGHTS`, inner products between the rows of a tensor (`component`) at `step` `start` =
        `stop`; `SIMILARITY`, cosines between different samples by `functional` and `component` over
        the steps [`start`, `stop`); or `INFLUENCE`, the mean influence between classes by
        `component`, the same. `interval` counts from 0, the whole run or the trained network.
    """
    dataset = job.config.datasets[job.run.dataset]
    assert isinstance(dataset, ModuloDataset)  # no other kind is let through by the config
    p, alpha, store = dataset.p, job.settings.alpha, job.result("similarity")
    tables = [
        *_weights(job.kernel.history, job.settings, p, job.name),
        *_similarity(cosines(component_grams(store)), store["target"].to_numpy(), p, alpha),
        *_influence(class_maps(job.influence, p), p, alpha),
    ]
    return pd.concat(tables, ignore_index=True)


def _weights(
    history: History, settings: SpectrumSettings, p: int, experiment: str
) -> Iterator[pd.DataFrame]:
    """Tables of the inner products between the rows of every tensor, the trained network first."""
    slots = {slot.name: slot for slot in history.layout.slots}
    for name in settings.tensors:
        if name not in slots or slots[name].entries < p:
            raise ConfigError(
                f"experiments.{experiment}.tensors: expected tensors with at least {p} rows, of"
                f" {sorted(key for key in slots if slots[key].entries >= p)}, got {name!r}"
            )
    points = np.linspace(0, history.steps, settings.checkpoints + 1).round().astype(int)
    for number, point in enumerate([history.steps, *np.unique(points).tolist()]):
        tensors = history.layout.unflatten(history.theta(point))
        for name in settings.tensors:
            rows = tensors[name][:p].double().flatten(1).cpu().numpy()
            case: Case = {"functional": "", "component": name, "interval": number}
            yield _table(WEIGHTS, case, point, point, rows @ rows.T, p, settings.alpha)


def _similarity(
    maps: xr.DataArray, residues: np.ndarray, p: int, alpha: float
) -> Iterator[pd.DataFrame]:
    """Tables of the cosines; a sample with itself says nothing."""
    itself = np.eye(len(residues), dtype=bool)
    names = {dim: maps[dim].to_numpy() for dim in ("functional", "component")}
    for k, functional, component in product(range(maps.sizes["interval"]), *names.values()):
        values = maps.isel(interval=k).sel(functional=functional, component=component)
        case: Case = {"functional": str(functional), "component": str(component), "interval": k}
        bounds = (int(values["start"]), int(values["stop"]))
        cosine = np.where(itself, np.nan, values.to_numpy())
        yield _table(SIMILARITY, case, *bounds, cosine, p, alpha, residues)


def _influence(maps: xr.DataArray, p: int, alpha: float) -> Iterator[pd.DataFrame]:
    """Tables of the mean influence of a training class on a validation class."""
    for k, component in product(range(maps.sizes["interval"]), maps["component"].to_numpy()):
        values = maps.isel(interval=k).sel(component=component)
        case: Case = {"functional": "", "component": str(component), "interval": k}
        bounds = (int(values["start"]), int(values["stop"]))
        yield _table(INFLUENCE, case, *bounds, values.to_numpy(), p, alpha)


def _table(
    source: str,
    case: Case,
    start: int,
    stop: int,
    values: Float[np.ndarray, "row column"],
    p: int,
    alpha: float,
    residues: np.ndarray | None = None,
) -> pd.DataFrame:
    """The waves of one matrix; of cosines the Lasso is that of the paper, others are scaled."""
    labels = np.arange(p) if residues is None else residues
    scale = 1.0 if source == SIMILARITY else float(np.sqrt(np.nanmean(values**2))) or 1.0
    profile = profile_of(values, labels, labels, p)
    table = fourier_table(profile, alpha, scale, of_vectors=source == WEIGHTS)
    return table.assign(source=source, **case, start=start, stop=stop)
