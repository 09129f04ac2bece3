"""Cosines between samples, from the inner products of the similarity store."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from explaind.report.tables.classes import ALL_COMPONENTS

WHOLE_RUN = "whole run"
FUNCTIONALS = {
    "output_sum": "all outputs, summed",
    "target_logprob": "log-probability of the correct class",
}
"""What is explained of each sample, in plain words; the first is that of the paper."""


def component_grams(store: xr.Dataset, tensors: bool = False) -> xr.DataArray:
    """Add up the inner products over the tensors of each component.

    Args:
        store: the similarity store.
        tensors: whether to add, after the components, each tensor of those that have several.

    Returns:
        dims (interval, functional, component, sample, other), float64. The first interval is the
        whole run and the first component all of them, a tensor has its name; coordinates `start`,
        `stop` (interval): steps [start, stop). Inner products of the whole run are not the sum of
        those of the intervals.
    """
    whole, single = store["gram"].load(), store["gram_by_interval"].load()
    grams = xr.concat([whole.expand_dims("interval"), single], "interval").astype(np.float64)
    names = _tensors_by_component(store.attrs["tensors"], tensors)
    parts = [grams.isel(tensor=places).sum("tensor") for places in names.values()]
    stops = store["interval_stop"].to_numpy()
    together = xr.concat(parts, xr.Variable("component", list(names)))
    bounds = {
        "start": ("interval", np.append(0, store["interval_start"].to_numpy())),
        "stop": ("interval", np.append(stops.max(), stops)),
    }
    order = ("interval", "functional", "component", "sample", "other")
    return together.transpose(*order).assign_coords(bounds)


def cosines(grams: xr.DataArray) -> xr.DataArray:
    """Divide inner products by the norms of both vectors.

    Args:
        grams: dims (..., sample, other), both the same samples.

    Returns:
        The same dims, between -1 and 1, 1 of a sample with itself; NaN of a vector that is 0.
    """
    values = grams.transpose(..., "sample", "other").to_numpy()
    lengths = np.sqrt(np.diagonal(values, axis1=-2, axis2=-1))
    found = lengths[..., :, np.newaxis] * lengths[..., np.newaxis, :]
    found[found <= 0] = np.nan
    np.divide(values, found, out=found)  # in place: all maps together are large
    return grams.transpose(..., "sample", "other").copy(data=np.clip(found, -1.0, 1.0, out=found))


def interval_names(grams: xr.DataArray) -> list[str]:
    """Return what the intervals are called, the first one the whole run."""
    bounds = zip(grams["start"].to_numpy()[1:], grams["stop"].to_numpy()[1:], strict=True)
    return [WHOLE_RUN, *(f"steps {start} to {stop - 1}" for start, stop in bounds)]


def _tensors_by_component(
    tensors: Sequence[Mapping[str, Any]], single: bool
) -> dict[str, list[int]]:
    """Positions of the tensors of each component, all of them first; single tensors last."""
    found: dict[str, list[int]] = {}
    for number, tensor in enumerate(tensors):
        found.setdefault(str(tensor["component"]), []).append(number)
    parts = [number for places in found.values() if len(places) > 1 for number in places]
    names = {str(tensors[number]["name"]): [number] for number in parts if single}
    return {ALL_COMPONENTS: list(range(len(tensors)))} | found | names
