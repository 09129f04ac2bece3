"""The nearest and farthest samples of each sample, and what they have in common with it."""

from collections.abc import Iterator
from itertools import product

import numpy as np
import pandas as pd
import xarray as xr

from explaind.experiments.similarity.samples import VALIDATION, shares_class, shares_input

NEAREST, FARTHEST = "nearest", "farthest"


def nearest_samples(maps: xr.DataArray, samples: pd.DataFrame, count: int) -> pd.DataFrame:
    """List the nearest and farthest samples of every validation sample, over the whole run.

    A sample is never its own neighbour (the published tables began with it, and left out the
    farthest one).

    Args:
        maps: cosines, as of `cosines.cosines`; the first interval is the whole run.
        samples: the table of `sample_table`.
        count: how many of each, fewer where there are not so many.

    Returns:
        One row per functional, component, validation sample, split of the others, end (`NEAREST`
        or `FARTHEST`) and rank from 1: `name` and `other_name`, `cosine`, `same_class` and, of
        modular addition, `same_input`.
    """
    common = {"same_class": shares_class(samples), "same_input": shares_input(samples)}
    known = {key: shared for key, shared in common.items() if shared is not None}
    names = samples["name"].to_numpy()
    tables = []
    for functional, component, split in _cases(maps, samples):
        cosine = maps.sel(functional=functional, component=component).isel(interval=0).to_numpy()
        for end, rows, others, rank in _ends(cosine, samples, split, count):
            case = {"functional": functional, "component": component, "others": split, "end": end}
            numbers = {"cosine": cosine[rows, others]} | {
                key: shared[rows, others] for key, shared in known.items()
            }
            named = {"name": names[rows], "rank": rank, "other_name": names[others]}
            tables.append(pd.DataFrame({**case, **named, **numbers}))
    return pd.concat(tables, ignore_index=True)


def shared_counts(nearest: pd.DataFrame, samples: pd.DataFrame) -> pd.DataFrame:
    """Count what neighbours have in common, beside what is expected by chance.

    By chance, each of the other samples is equally likely to be a neighbour.

    Args:
        nearest: the table of `nearest_samples`.
        samples: the table of `sample_table`.

    Returns:
        One row per functional, component, split of the others, end and `shared` (`class` or
        `input`): `neighbours`, their number for each sample; `count`, how many of them share it, on
        average over the samples, and `expected`, the same by chance.
    """
    keys = ["functional", "component", "others", "end"]
    sampled = nearest.groupby([*keys, "name"], sort=False)
    rows = []
    for shared in (key for key in ("same_class", "same_input") if key in nearest):
        per_sample = sampled[shared].agg(["sum", "size"]).groupby(keys, sort=False).mean()
        table = per_sample.rename(columns={"sum": "count", "size": "neighbours"}).reset_index()
        chance = {split: _chance(samples, shared, split) for split in table["others"].unique()}
        expected = table["neighbours"] * table["others"].map(chance)
        rows.append(table.assign(shared=shared.removeprefix("same_"), expected=expected))
    order = [*keys, "shared", "neighbours", "count", "expected"]
    return pd.concat(rows, ignore_index=True)[order]


def _cases(maps: xr.DataArray, samples: pd.DataFrame) -> Iterator[tuple[str, str, str]]:
    names = (maps["functional"].to_numpy(), maps["component"].to_numpy())
    for functional, component, split in product(*names, samples["split"].unique()):
        yield str(functional), str(component), str(split)


def _ends(
    cosine: np.ndarray, samples: pd.DataFrame, split: str, count: int
) -> Iterator[tuple[str, np.ndarray, np.ndarray, np.ndarray]]:
    """Pairs of validation samples and their neighbours, with the rank, at both ends."""
    rows, others, allowed = _others(samples, split)
    count = min(count, int(allowed.sum(1).min()))
    for end, sign in ((NEAREST, -1.0), (FARTHEST, 1.0)):
        keys = np.where(allowed, sign * cosine[np.ix_(rows, others)], np.inf)
        order = np.argsort(keys, axis=1, kind="stable")[:, :count]
        ranks = np.tile(np.arange(1, count + 1), len(rows))
        yield end, np.repeat(rows, count), others[order].ravel(), ranks


def _others(samples: pd.DataFrame, split: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Validation samples, the others, and which of these may be neighbours: not the same sample."""
    rows = np.flatnonzero(samples["split"] == VALIDATION)
    others = np.flatnonzero(samples["split"] == split)
    return rows, others, np.not_equal.outer(rows, others)


def _chance(samples: pd.DataFrame, shared: str, split: str) -> float:
    """Mean share of the other samples that have it in common."""
    rows, others, allowed = _others(samples, split)
    common = shares_class(samples) if shared == "same_class" else shares_input(samples)
    assert common is not None  # counted only where it is known
    pairs = common[np.ix_(rows, others)] & allowed
    return float((pairs.sum(1) / allowed.sum(1)).mean())
