"""One explained number per validation sample, whatever the functional was.

A store may explain one output (`target_logprob`), all outputs of the model, or any number of
user-defined ones. Figures over training time show one number per validation sample; here it is
chosen, and named.
"""

from collections.abc import Iterator

import numpy as np
import xarray as xr

from explaind.errors import StoreError

BLOCK_BYTES = 64 * 2**20

FUNCTIONALS = {
    "target_logprob": "the log-probability of the correct class",
    "margin": "the margin of the correct class (its log-odds)",
    "loss": "the loss",
    "sum_logprob": "the log-probability of all targets",
    "mean_logprob": "the mean log-probability of the targets",
}
"""Plain names of the functionals of one number."""


def chosen_output(influence: xr.Dataset) -> xr.DataArray:
    """Return which output stands for each validation sample.

    The only output if there is one; that of the sample's own target class if all outputs of a
    classifier are explained; else the first output.

    Args:
        influence: the influence store.

    Returns:
        Positions along `output`, dims (test).
    """
    if influence.sizes["output"] == 1:
        return xr.DataArray(np.zeros(influence.sizes["test"], np.int64), dims="test")
    classes = target_classes(influence)
    if classes is not None and _one_output_per_class(influence, classes):
        return classes
    return xr.DataArray(np.zeros(influence.sizes["test"], np.int64), dims="test")


def target_classes(influence: xr.Dataset) -> xr.DataArray | None:
    """Return the class of each explained sample; None if targets are no classes."""
    targets = influence.get("test_target")  # missing if a sample has several targets
    if targets is None or targets.dtype.kind not in "iu":
        return None
    return targets.load().astype(np.int64)


def output_name(influence: xr.Dataset) -> str:
    """Return a plain name of the output chosen by `chosen_output`, for captions."""
    functional = str(influence.attrs["functional"])
    classes = target_classes(influence)
    if classes is None and functional == "all":
        return "the output"
    if classes is None:
        return FUNCTIONALS.get(functional, f"the output “{functional}”")
    of_model = model_output_name(output_unit(influence))
    if functional.startswith("logit["):
        return f"the {of_model} of class {functional[len('logit[') : -1]}"
    if _one_output_per_class(influence, classes):
        return f"the {of_model} of the correct class"
    return FUNCTIONALS.get(functional, f"the output “{functional}”")


def model_output_name(unit: str) -> str:
    """Return what an output of a classifier is called, by the unit of the model's outputs."""
    return "log-probability" if unit == "nat" else "logit"


def output_unit(influence: xr.Dataset) -> str:
    """Return the unit of the explained output and of every influence on it, "1" of a number."""
    return str(influence["final_output"].attrs["units"])


def kept_influence(influence: xr.Dataset) -> xr.DataArray:
    """Return the total influence of every training sample, lazy.

    Raises:
        StoreError: if the run did not keep it.
    """
    if "influence" not in influence:
        raise StoreError(
            "The influence store has no array `influence`. Add `influence` to"
            " runs.<name>.epk.keep in the configuration and run the workflow again."
        )
    return influence["influence"]


def select_output(array: xr.DataArray, chosen: xr.DataArray) -> xr.DataArray:
    """Drop the dimension `output` by picking one output per validation sample, in memory.

    Args:
        array: any array with dims `test` and `output`.
        chosen: positions along `output`, dims (test).

    Returns:
        The array without `output`.
    """
    if array.sizes["output"] == 1:
        return array.isel(output=0).load()
    return array.load().isel(output=chosen)


def blocks(array: xr.DataArray, dim: str) -> Iterator[slice]:
    """Yield slices along `dim` so that each block of `array` stays below 64 MB in float64.

    Args:
        array: a lazy array.
        dim: the dimension to cut.

    Yields:
        Consecutive slices that cover the dimension.
    """
    row_bytes = 8 * array.size // max(array.sizes[dim], 1)
    length = max(1, BLOCK_BYTES // max(row_bytes, 1))
    for start in range(0, array.sizes[dim], length):
        yield slice(start, min(start + length, array.sizes[dim]))


def _one_output_per_class(influence: xr.Dataset, classes: xr.DataArray) -> bool:
    every = influence.attrs["functional"] == "all"
    return every and influence.sizes["output"] > max(1, int(classes.max()))
