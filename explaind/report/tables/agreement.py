"""How well the reformulated model agrees with the true one."""

import numpy as np
import pandas as pd
import xarray as xr

from explaind.report.tables.outputs import blocks, chosen_output, select_output


def output_table(validation: xr.Dataset) -> pd.DataFrame:
    """Set the reformulated outputs beside the true ones.

    Args:
        validation: the validation store.

    Returns:
        One row per validation sample and class: `sample`, `class`, `is_target`, `true`,
        `reformulated`, `error` (true - reformulated), in the unit of the outputs.
    """
    true = validation["true"].transpose("test", "class").to_numpy()
    reformulated = validation["reformulated"].transpose("test", "class").to_numpy()
    grid: np.ndarray = np.indices(true.shape)
    samples, classes = grid[0], grid[1]
    target = validation["target"].to_numpy()
    return pd.DataFrame(
        {
            "sample": samples.reshape(-1),
            "class": classes.reshape(-1),
            "is_target": _is_target(classes, target).reshape(-1),
            "true": true.reshape(-1),
            "reformulated": reformulated.reshape(-1),
            "error": (true - reformulated).reshape(-1),
        }
    )


def _is_target(classes: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Which outputs are those of the target class; none if targets are no classes."""
    if target.ndim != 1 or target.dtype.kind not in "iu":
        return np.zeros(classes.shape, dtype=bool)
    matches: np.ndarray = classes == target[:, None]
    return matches


def subsample(table: pd.DataFrame, limit: int, seed: int = 0) -> pd.DataFrame:
    """Return at most `limit` rows, drawn with a fixed seed, in their original order."""
    if len(table) <= limit:
        return table
    rows = np.random.default_rng(seed).choice(len(table), size=limit, replace=False)
    return table.iloc[np.sort(rows)]


def sizes_by_step(validation: xr.Dataset) -> pd.DataFrame:
    """Decompose the change of every step, over all outputs of all validation samples.

    Args:
        validation: the validation store.

    Returns:
        One row per step: `step`; `true`, `data`, `decay`, `residual` (means of absolute values over
        samples and classes, in the unit of the outputs); `subintervals` (mean).
    """
    names = {"true": "change", "data": "data", "decay": "decay", "residual": "residual"}
    columns = {term: validation[f"step_{name}_mean_abs"].to_numpy() for term, name in names.items()}
    return pd.DataFrame(
        {
            "step": np.arange(validation.sizes["step"]),
            **columns,
            "subintervals": validation["step_subintervals"].to_numpy(),
        }
    )


def decomposition_by_sample(influence: xr.Dataset) -> pd.DataFrame:
    """Decompose the final output of every explained validation sample.

    initial + data + decay + residual is the final output by definition of the residual. Part of
    the residual is `rounding`: of the updates when the model was trained, a motion that belongs to
    no sample and no decay, and of the computation. The rest is the error of the integration over
    the steps.

    Args:
        influence: the influence store.

    Returns:
        One row per explained validation sample: `sample`, `target` (NaN if it has several),
        `initial`, `data`, `decay`, `residual`, `rounding` (part of the residual), `final`,
        `residual_share` (sum over steps of |step residual| divided by that of |change|; without
        rounding).
    """
    chosen = chosen_output(influence)
    arrays = {"initial": "initial_output", "final": "final_output"}
    columns = {
        name: select_output(influence[arrays.get(name, name)], chosen).to_numpy()
        for name in ("initial", "data", "decay", "residual", "rounding", "final")
    }
    table = pd.DataFrame(
        {
            "sample": influence["test_index"].to_numpy(),
            "target": influence["test_target"].to_numpy() if "test_target" in influence else np.nan,
            **columns,
        }
    )
    return table.assign(residual_share=_residual_share(influence, chosen))


def _residual_share(influence: xr.Dataset, chosen: xr.DataArray) -> np.ndarray:
    residual = _total_size(influence["step_residual"], chosen)
    change = _total_size(influence["step_true"], chosen)
    share: np.ndarray = np.divide(
        residual, change, out=np.full(change.shape, np.nan), where=change > 0
    )
    return share


def _total_size(array: xr.DataArray, chosen: xr.DataArray) -> np.ndarray:
    """Return sum of absolute values over the steps, block by block, shape [test]."""
    total = np.zeros(array.sizes["test"])
    for block in blocks(array, "step"):
        total += abs(select_output(array.isel(step=block), chosen)).sum(dim="step").to_numpy()
    return total
