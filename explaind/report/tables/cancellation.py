"""How much the influences of the training samples cancel, within the class of a sample and beyond.

What the training data did to an output is a sum of positive and negative influences that may be a
thousand times larger than itself. Its parts are shown beside it: by sign, and by whether a training
sample has the class of the explained one.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd
import xarray as xr

from explaind.report.tables.outputs import (
    blocks,
    chosen_output,
    select_output,
    target_classes,
)

SAME, OTHER, ALL = "same class", "other classes", "all classes"
SUMS = ("raised", "lowered", "net", "gross")
COLUMNS = ("start", "stop", "classes", "samples", *SUMS)


def cancellation(influence: xr.Dataset) -> pd.DataFrame:
    """Add up influences by sign and by class, for the whole run and for every kept interval.

    Args:
        influence: the influence store.

    Returns:
        One row per range of steps `start` to `stop` (the whole run first) and `classes` (`SAME`,
        `OTHER`, `ALL`), means over the explained samples: number of training `samples`; sum of
        their positive influences `raised`, of the negative ones `lowered`, of all `net`, and of
        absolute values `gross`, in the unit of the explained output. An influence is that of a
        sample over all steps of the range and all components. Where targets are no classes, the
        rows of `ALL` only. No row unless the run kept the `influence` of all training samples:
        those of some do not add up to what the data did, and those of groups (`epk.groups`) are
        sums themselves.
    """
    if influence.get("influence") is None or _some_only(influence):
        return pd.DataFrame({column: [] for column in COLUMNS})
    rows = [
        {"start": start, "stop": stop, **row}
        for start, stop, array in _ranges(influence)
        for row in _rows(array, influence)
    ]
    return pd.DataFrame(rows)[list(COLUMNS)]


def whole_run(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the whole run, by `classes`."""
    return table.head(table["classes"].nunique()).set_index("classes")


def by_interval(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the intervals, none if the run kept no intervals."""
    return table.iloc[table["classes"].nunique() :]


def _some_only(influence: xr.Dataset) -> bool:
    return influence.sizes.get("train", 0) < int(influence.attrs["train_samples"])


def _ranges(influence: xr.Dataset) -> Iterator[tuple[int, int, xr.DataArray]]:
    yield 0, influence.sizes["step"], influence["influence"]
    if "influence_by_interval" not in influence:
        return
    bounds = (influence[f"interval_{end}"].to_numpy() for end in ("start", "stop"))
    for number, (start, stop) in enumerate(zip(*bounds, strict=True)):
        array = influence["influence_by_interval"].isel(interval=number)
        yield int(start), int(stop), array


def _rows(array: xr.DataArray, influence: xr.Dataset) -> list[dict[str, object]]:
    chosen = chosen_output(influence)
    sums = dict[str, np.ndarray]()  # by group: samples, raised, lowered
    for block in blocks(array, "test"):
        values = select_output(array.isel(test=block), chosen.isel(test=block))
        by_sample = values.transpose(..., "test", "train").to_numpy().astype(np.float64)
        numbers = by_sample.reshape(-1, *by_sample.shape[-2:]).sum(0)  # over components, if any
        for group, member in _groups(influence.isel(test=block)).items():
            found = numbers[member]
            own = np.array([len(found), found.clip(min=0).sum(), found.clip(max=0).sum()])
            sums[group] = sums.get(group, 0) + own / influence.sizes["test"]
    return [
        {
            "classes": classes,
            "samples": samples,
            "raised": raised,
            "lowered": lowered,
            "net": raised + lowered,
            "gross": raised - lowered,
        }
        for classes, (samples, raised, lowered) in sums.items()
    ]


def _groups(influence: xr.Dataset) -> dict[str, np.ndarray]:
    """Which training samples are in which group, [test, train], by the name of the group."""
    every = {ALL: np.ones((influence.sizes["test"], influence.sizes["train"]), bool)}
    classes = target_classes(influence)
    if classes is None:
        return every
    same = classes.to_numpy()[:, None] == influence["train_target"].to_numpy()
    return {SAME: same, OTHER: ~same, **every}
