"""Train-to-validation influence, by class.

For modular addition a class is a residue `(a + b) mod p`. The mean over all pairs of samples of two
classes keeps the structure of the full test x train map in `class x class` numbers.
"""

import numpy as np
import pandas as pd
import xarray as xr

from explaind.report.tables.outputs import (
    blocks,
    chosen_output,
    kept_influence,
    select_output,
)
from explaind.report.tables.steps import component_names

ALL_COMPONENTS = "all components"


def class_maps(influence: xr.Dataset, classes: int, by_component: bool = True) -> xr.DataArray:
    """Average the influence over the pairs (validation class, training class).

    Args:
        influence: the influence store.
        classes: number of classes.
        by_component: whether to tell the components apart where the run kept them.

    Returns:
        dims (interval, component, validation_class, training_class); mean influence per pair of
        samples in the unit of the explained output, NaN where a class has no sample. The first
        interval is the whole run and the first component all of them together; the rest is there if
        the run kept it. Coordinates `start`, `stop` (interval): steps [start, stop).
    """
    told_apart = by_component and "influence_by_component" in influence
    components = component_names(influence) if told_apart else []
    whole = [kept_influence(influence)]
    whole += [influence["influence_by_component"].isel(component=c) for c in range(len(components))]
    maps = [[class_means(array, influence, classes) for array in whole]]
    if "influence_by_interval" in influence:
        by_interval = influence["influence_by_interval"]
        maps += [
            _interval_maps(by_interval.isel(interval=k), influence, classes, bool(components))
            for k in range(by_interval.sizes["interval"])
        ]
    start, stop = _interval_bounds(influence, len(maps) - 1)
    return xr.DataArray(
        np.asarray(maps),
        dims=("interval", "component", "validation_class", "training_class"),
        coords={
            "component": [ALL_COMPONENTS, *components],
            "start": ("interval", start),
            "stop": ("interval", stop),
        },
    )


def class_means(array: xr.DataArray, influence: xr.Dataset, classes: int) -> np.ndarray:
    """Average one influence array over the pairs of classes, reading it in blocks of rows.

    Args:
        array: dims (test, output, train) in any order, lazy.
        influence: the store it comes from, for the targets.
        classes: number of classes.

    Returns:
        Means, shape [validation class, training class], NaN where a class has no sample.
    """
    chosen = chosen_output(influence)
    test_target = influence["test_target"].to_numpy()
    train_target = influence["train_target"].to_numpy()
    sums = np.zeros((classes, classes))
    for block in blocks(array, "test"):
        values = select_output(array.isel(test=block), chosen.isel(test=block))
        by_train = _sum_by_class(
            values.transpose("test", "train").to_numpy().T, train_target, classes
        )
        sums += _sum_by_class(by_train.T, test_target[block], classes)
    pairs = np.outer(
        np.bincount(test_target, minlength=classes), np.bincount(train_target, minlength=classes)
    )
    return np.divide(sums, pairs, out=np.full_like(sums, np.nan), where=pairs > 0)


def difference_profile(maps: xr.DataArray) -> xr.DataArray:
    """Average class maps along their (cyclic) diagonals.

    Args:
        maps: dims (..., validation_class, training_class).

    Returns:
        dims (..., difference), with the coordinates of the others: mean over the classes `c` of the
        influence of training class `c + d` on validation class `c`, modulo the number of classes;
        `d = 0` is the class itself.
    """
    classes = maps.sizes["training_class"]
    rows, shifts = np.indices((classes, classes))
    values = maps.transpose(..., "validation_class", "training_class").to_numpy()
    cyclic = values[..., rows, (rows + shifts) % classes]
    known = np.isfinite(cyclic).sum(axis=-2)
    means = np.divide(
        np.nansum(cyclic, axis=-2), known, out=np.full(known.shape, np.nan), where=known > 0
    )
    kept = {
        name: values for name, values in maps.coords.items() if {*values.dims} <= {*maps.dims[:-2]}
    }
    return xr.DataArray(means, dims=(*maps.dims[:-2], "difference"), coords=kept)


def class_map_table(maps: xr.DataArray) -> pd.DataFrame:
    """Return class maps in long form: one row per interval, component and pair of classes."""
    table = maps.rename("mean_influence").to_dataframe().reset_index()
    order = ["start", "stop", "component", "validation_class", "training_class", "mean_influence"]
    return table[order]


def _interval_maps(
    array: xr.DataArray, influence: xr.Dataset, classes: int, with_components: bool
) -> list[np.ndarray]:
    if "component" not in array.dims:
        return [class_means(array, influence, classes)]
    by_component = [
        class_means(array.isel(component=c), influence, classes)
        for c in range(array.sizes["component"])
    ]
    return [np.sum(by_component, axis=0), *(by_component if with_components else [])]


def _interval_bounds(influence: xr.Dataset, intervals: int) -> tuple[list[int], list[int]]:
    start, stop = [0], [influence.sizes["step"]]
    if intervals:
        start += [int(step) for step in influence["interval_start"].to_numpy()]
        stop += [int(step) for step in influence["interval_stop"].to_numpy()]
    return start, stop


def _sum_by_class(rows: np.ndarray, target: np.ndarray, classes: int) -> np.ndarray:
    """Return sums of the rows of each class, float64, [row, column] -> [class, column]."""
    order = np.argsort(target, kind="stable")
    present, starts = np.unique(target[order], return_index=True)
    sums = np.zeros((classes, rows.shape[1]))
    sums[present] = np.add.reduceat(rows[order], starts, axis=0, dtype=np.float64)
    return sums
