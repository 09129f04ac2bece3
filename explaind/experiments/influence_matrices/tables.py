"""The numbers of the page with the influence matrices."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from jaxtyping import Float

from explaind.choices import Credit
from explaind.experiments.influence_matrices.settings import InfluenceMatricesSettings
from explaind.report.sources import Sources
from explaind.report.tables.classes import (
    ALL_COMPONENTS,
    class_map_table,
    class_maps,
)
from explaind.report.tables.outputs import (
    chosen_output,
    kept_influence,
    output_name,
    output_unit,
    select_output,
)
from explaind.report.tables.steps import component_names, credit

MAX_CELLS = 3_000_000
"""Cells of all matrices on the page, one byte each."""

SHAPE = 4
"""Training samples shown for each validation sample shown, where there are as many."""

SIGNS = ("net", "gross")
ORDERS = ("class", "sum", "a", "b")
"""Columns that samples are sorted by."""


@dataclass(frozen=True)
class MatrixTables:
    """All numbers of the page.

    Attributes:
        output: plain name of the explained output.
        unit: its unit.
        credit: the step that influence by interval is booked at.
        step_credit: the same of the single steps.
        metrics: one row per step.
        maps: influence by class, see `class_maps`.
        matrices: influence by sample, see `matrices`.
        samples: the samples of `matrices`, see `sample_names`, by split.
        sizes: number of explained and of training samples.
        sums: see `matrix_sums`.
    """

    output: str
    unit: str
    credit: Credit
    step_credit: Credit
    metrics: pd.DataFrame
    maps: xr.DataArray
    matrices: xr.DataArray
    samples: dict[str, pd.DataFrame]
    sizes: tuple[int, int]
    sums: pd.DataFrame

    def files(self) -> dict[str, pd.DataFrame]:
        """Return the tables behind the panels by name."""
        return {
            "curves": self.metrics,
            "class_maps": class_map_table(self.maps),
            "matrices": matrix_table(self.matrices, self.samples),
            "sums": self.sums,
        }


def read(sources: Sources, _: InfluenceMatricesSettings) -> MatrixTables:
    """Read the numbers of the page.

    Args:
        sources: what the run left on disk.

    Returns:
        The numbers.
    """
    influence, data, steps = sources.influence, sources.data, sources.store("influence_matrices")
    shown = shown_samples(influence, steps)
    indices = {"validation": "test_index", "train": "train_index"}
    samples = {
        split: sample_names(
            data[f"x_{split}"].to_numpy()[influence[index].to_numpy()[:count]], data.attrs["p"]
        )
        for (split, index), count in zip(indices.items(), shown, strict=True)
    }
    return MatrixTables(
        output=output_name(influence),
        unit=output_unit(influence),
        credit=credit(influence),
        step_credit=steps.attrs["credit"],
        metrics=sources.metrics,
        # the model may have more outputs, for tokens that are no results
        maps=class_maps(influence, data.attrs["p"]),
        matrices=matrices(influence, steps, shown),
        samples=samples,
        sizes=(influence.sizes["test"], influence.sizes["train"]),
        sums=matrix_sums(influence, steps),
    )


def shown_samples(
    influence: xr.Dataset, steps: xr.Dataset, limit: int = MAX_CELLS
) -> tuple[int, int]:
    """Say how many samples the matrices on the page show, so that all fit into it.

    Args:
        influence: the influence store.
        steps: the store of the experiment, which may have fewer explained samples.
        limit: most cells of all matrices.

    Returns:
        Numbers of explained and of training samples, the first ones of each.
    """
    test, train = steps.sizes["test"], influence.sizes["train"]
    maps = len(SIGNS) * len(step_ranges(influence, steps)) * (1 + len(component_names(influence)))
    rows = min(test, max(1, int((limit / maps / SHAPE) ** 0.5)))
    return rows, min(train, max(1, limit // (maps * rows)))


def matrices(influence: xr.Dataset, steps: xr.Dataset, shown: tuple[int, int]) -> xr.DataArray:
    """Collect the matrices of the whole run, of every interval and of single steps.

    Args:
        influence: the influence store.
        steps: the store of the experiment.
        shown: how many explained and training samples, the first ones of each.

    Returns:
        dims (sign, range, component, test, train), float32, in the unit of the explained output.
        `net` has the sign; `gross` are the sizes of the parts that a matrix is the sum of
        (components and intervals), added up. Coordinates `start`, `stop` (range): steps [start,
        stop), the whole run first, single steps last; the first component is all of them.
    """
    parts = _interval_parts(influence, shown)
    single = _step_parts(influence, steps, shown, parts.shape[1])
    by_range = [parts, *parts[:, np.newaxis], *single[:, np.newaxis]]
    net = np.stack([_with_all(part.sum(0)) for part in by_range])
    gross = np.stack([_with_all(np.abs(part).sum(0)) for part in by_range])
    ranges = step_ranges(influence, steps)
    return xr.DataArray(
        np.stack([net, gross]).astype(np.float32),
        dims=("sign", "range", "component", "test", "train"),
        coords={
            "sign": list(SIGNS),
            "component": [
                ALL_COMPONENTS,
                *(component_names(influence) if parts.shape[1] > 1 else ()),
            ],
            "start": ("range", ranges["start"]),
            "stop": ("range", ranges["stop"]),
        },
    )


def step_ranges(influence: xr.Dataset, steps: xr.Dataset) -> pd.DataFrame:
    """Return the steps [`start`, `stop`) of each matrix: whole run, intervals, single steps."""
    whole = [(0, influence.sizes["step"])]
    if "influence_by_interval" in influence:
        bounds = (influence[f"interval_{end}"].to_numpy().tolist() for end in ("start", "stop"))
        intervals = list(zip(*bounds, strict=True))
    else:
        intervals = whole
    single = [(step, step + 1) for step in steps["number"].to_numpy().tolist()]
    return pd.DataFrame([*whole, *intervals, *single], columns=["start", "stop"])


def matrix_sums(influence: xr.Dataset, steps: xr.Dataset) -> pd.DataFrame:
    """Add up the single steps over the training samples, and set them beside the data part.

    Args:
        influence: the influence store.
        steps: the store of the experiment.

    Returns:
        One row per `step` and `component`, means over the explained samples: `net` and `gross` sum
        over all training samples, and `data_part`, what the explanation of the run says that the
        data did in this step (NaN if it did not keep that). `net` equals it up to rounding.
    """
    kept = {"gradient_step": "step_net_by_component", "application_step": "step_data_by_component"}
    explained = influence.isel(test=slice(steps.sizes["test"]))
    whole, chosen = explained.get(kept[steps.attrs["credit"]]), chosen_output(explained)
    rows = []
    for place, step in enumerate(steps["number"].to_numpy()):
        values = select_output(steps["influence"].isel(step=place), chosen).astype(np.float64)
        net = values.sum("train").mean("test").to_numpy()
        gross = abs(values).sum("train").mean("test").to_numpy()
        part = np.full(len(net), np.nan)
        if whole is not None:
            found = select_output(whole.isel(step=int(step)), chosen).astype(np.float64)
            part = found.mean("test").to_numpy()
        for number, name in enumerate(values["component"].to_numpy()):
            row = {"step": int(step), "component": str(name)}
            sums = {"net": net[number], "gross": gross[number], "data_part": part[number]}
            rows.append({**row, **sums})
    return pd.DataFrame(rows)


def sample_names(tokens: np.ndarray, p: int) -> pd.DataFrame:
    """Describe samples of modular addition.

    Args:
        tokens: their tokens, `[sample, 4]`.
        p: the modulus.

    Returns:
        One row per sample: `name` (`3 + 5 = 8`, no two alike), its numbers `a` and `b`, their `sum`
        and its residue, the `class`.
    """
    a, b = tokens[:, 0], tokens[:, 2]
    names = [f"{x} + {y} = {(x + y) % p}" for x, y in zip(a, b, strict=True)]
    return pd.DataFrame({"name": names, "class": (a + b) % p, "sum": a + b, "a": a, "b": b})


def matrix_table(values: xr.DataArray, samples: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the matrices that are shown in long form, net, with the names of the samples."""
    named = values.sel(sign="net", drop=True).assign_coords(
        test=samples["validation"]["name"].to_numpy(), train=samples["train"]["name"].to_numpy()
    )
    table = named.rename("influence").to_dataframe().reset_index()
    return table[["start", "stop", "component", "test", "train", "influence"]]


def _interval_parts(
    influence: xr.Dataset, shown: tuple[int, int]
) -> Float[np.ndarray, "interval component test train"]:
    """What was kept of the influence, as finely as it was kept."""
    for name in ("influence_by_interval", "influence_by_component"):
        if name in influence:
            return _selected(influence[name], influence, shown)
    return _selected(kept_influence(influence), influence, shown)


def _step_parts(
    influence: xr.Dataset, steps: xr.Dataset, shown: tuple[int, int], components: int
) -> Float[np.ndarray, "step component test train"]:
    """The matrices of single steps, by component if the intervals are."""
    kept = steps["influence"].isel(train=influence["train_index"].to_numpy()[: shown[1]])
    parts = _selected(kept.rename(step="interval"), influence, shown)
    return parts if parts.shape[1] == components else parts.sum(1, keepdims=True)


def _selected(
    array: xr.DataArray, influence: xr.Dataset, shown: tuple[int, int]
) -> Float[np.ndarray, "interval component test train"]:
    cut = array.isel(test=slice(shown[0]), train=slice(shown[1]))
    values = select_output(cut, chosen_output(influence).isel(test=slice(shown[0])))
    missing = [dim for dim in ("interval", "component") if dim not in values.dims]
    full = values.drop_vars("output", errors="ignore").expand_dims(missing)
    return full.transpose("interval", "component", "test", "train").to_numpy().astype(np.float64)


def _with_all(
    part: Float[np.ndarray, "component test train"],
) -> Float[np.ndarray, "all test train"]:
    """All components together first, unless there is one alone."""
    return part if len(part) == 1 else np.concatenate([part.sum(0, keepdims=True), part])
