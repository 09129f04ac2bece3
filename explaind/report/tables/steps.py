"""Tables over training steps: what moved the explained output, by how much, at which step.

All numbers are means over the explained validation samples, in the unit of the explained output.
"""

import numpy as np
import pandas as pd
import xarray as xr

from explaind.choices import Credit, OutputArray
from explaind.report.tables.outputs import blocks, chosen_output, select_output

TERMS = ("true", "data", "decay", "residual")

COMPONENT_COLUMNS: dict[Credit, tuple[str, str]] = {
    "gradient_step": ("absolute", "net"),
    "application_step": ("data", "decay"),
}
"""What is known of every step and component, by credit."""

KEPT_AS: dict[Credit, OutputArray] = {
    "gradient_step": "absolute",
    "application_step": "step_component",
}
"""The output array that holds it, as the configuration calls it."""


def decomposition_by_step(influence: xr.Dataset) -> pd.DataFrame:
    """Decompose the change of every step.

    Args:
        influence: the influence store.

    Returns:
        One row per step with the columns `step`; `true`, `data`, `decay`, `residual` (signed
        means); the same with `_absolute` (means of absolute values); `subintervals_mean`,
        `subintervals_max`.
    """
    columns = {"step": _step_numbers(influence)}
    for term in TERMS:
        net, absolute = _test_means(influence[f"step_{term}"], chosen_output(influence))
        columns |= {term: net, f"{term}_absolute": absolute}
    subintervals = influence["subintervals"].load()
    columns["subintervals_mean"] = subintervals.mean("test").to_numpy()
    columns["subintervals_max"] = subintervals.max("test").to_numpy()
    return pd.DataFrame(columns)


def influence_by_component(influence: xr.Dataset, booked: Credit | None = None) -> pd.DataFrame:
    """Decompose what every step did by component of the model.

    Args:
        influence: the influence store.
        booked: the step that is credited; None = as the store credits its intervals.

    Returns:
        One row per step and component with the columns `step`, `component` and, credited to
        gradient steps, `absolute` (sum over training samples of |influence|, Psi_s of the ExPLAIND
        paper) and `net` (the same with sign); credited to application steps, `data` and `decay`
        (what training data and regularisation did, signed) and their mean sizes `data_absolute` and
        `decay_absolute`: there the influences of single samples are not told apart. No row if the
        run did not keep them (`KEPT_AS`).
    """
    booked = booked or credit(influence)
    arrays = {
        name: influence.get(f"step_{name}_by_component") for name in COMPONENT_COLUMNS[booked]
    }
    sizes = [f"{name}_absolute" for name in arrays if booked == "application_step"]
    if any(array is None for array in arrays.values()):
        return pd.DataFrame({"step": [], "component": [], **{n: [] for n in [*arrays, *sizes]}})
    components = component_names(influence)
    chosen = chosen_output(influence)
    steps = np.repeat(_step_numbers(influence), len(components))
    names = np.tile(np.asarray(components, dtype=object), influence.sizes["step"])
    columns = {"step": steps, "component": names}
    for name, array in arrays.items():
        if array is not None:
            net, size = _test_means(array, chosen)
            columns |= {name: net.reshape(-1), f"{name}_absolute": size.reshape(-1)}
    return pd.DataFrame(columns)[["step", "component", *arrays, *sizes]]


def credit(influence: xr.Dataset) -> Credit:
    """Return which step an influence by interval is booked at: `gradient_step` or the other."""
    found: Credit = influence.attrs["credit"]
    return found


def component_names(influence: xr.Dataset) -> list[str]:
    """Return the names of the components in the order of the store, empty if none were kept."""
    if "component" not in influence.coords:
        return []
    return [str(name) for name in influence["component"].to_numpy()]


def moving_average(values: np.ndarray, window: int) -> np.ndarray:
    """Centred moving average along the first axis.

    The window always lies symmetrically about its step: it shrinks towards both ends of the series
    instead of becoming one-sided, so a straight line comes out unchanged and no feature is shifted
    in time.

    Args:
        values: numbers per step, shape [step, ...]; NaN is left out of the averages.
        window: number of steps averaged; an even number is taken as the next odd one.

    Returns:
        The averages, same shape, float64; NaN where a window holds no number.

    Raises:
        ValueError: if the window is below 1.
    """
    if window < 1:
        raise ValueError(f"window must be at least 1 step, got {window}.")
    numbers = np.asarray(values, dtype=np.float64)
    steps = np.arange(len(numbers))
    half = np.minimum(window // 2, np.minimum(steps, steps[::-1]))
    known = np.isfinite(numbers)
    total = _window_sums(np.where(known, numbers, 0.0), steps - half, steps + half + 1)
    count = _window_sums(known.astype(np.float64), steps - half, steps + half + 1)
    means: np.ndarray = np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)
    return means


def _step_numbers(influence: xr.Dataset) -> np.ndarray:
    return np.arange(influence.sizes["step"])


def _test_means(array: xr.DataArray, chosen: xr.DataArray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and mean absolute value over `test` of the chosen outputs, in blocks of steps."""
    net, absolute = [], []
    for block in blocks(array, "step"):
        values = select_output(array.isel(step=block), chosen).astype(np.float64)
        net.append(values.mean(dim="test").to_numpy())
        absolute.append(abs(values).mean(dim="test").to_numpy())
    return np.concatenate(net), np.concatenate(absolute)


def _window_sums(numbers: np.ndarray, start: np.ndarray, stop: np.ndarray) -> np.ndarray:
    sums = np.concatenate([np.zeros((1, *numbers.shape[1:])), np.cumsum(numbers, axis=0)])
    return np.asarray(sums[stop] - sums[start])
