"""The dataset that an explanation is returned and stored as."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

SIGN = "positive influence = the training sample pushed the explained output up"

_QUERY = ("test", "output")
_STEP = ("step", *_QUERY)
_STEP_COMPONENT = ("step", "component", *_QUERY)
_RANK = (*_QUERY, "rank")
_RANK_COMPONENT = ("component", *_RANK)
_PARAMETER = ("interval", *_QUERY, "param")

ARRAYS: dict[str, tuple[tuple[str, ...], str, str]] = {
    "influence": ((*_QUERY, "train"), "nat", "influence summed over steps and components"),
    "influence_by_component": (
        ("component", *_QUERY, "train"),
        "nat",
        "influence through each component, summed over steps",
    ),
    "influence_by_interval": (
        ("interval", "component", *_QUERY, "train"),
        "nat",
        "influence through each component, summed over the steps of each interval",
    ),
    "helpful_index": (_RANK, "1", "training samples of largest influence, largest first"),
    "helpful_influence": (_RANK, "nat", "their influence"),
    "harmful_index": (_RANK, "1", "training samples of smallest influence, smallest first"),
    "harmful_influence": (_RANK, "nat", "their influence"),
    "helpful_index_by_component": (
        _RANK_COMPONENT,
        "1",
        "training samples of largest influence through each component, largest first",
    ),
    "helpful_influence_by_component": (_RANK_COMPONENT, "nat", "their influence through it"),
    "harmful_index_by_component": (
        _RANK_COMPONENT,
        "1",
        "training samples of smallest influence through each component, smallest first",
    ),
    "harmful_influence_by_component": (_RANK_COMPONENT, "nat", "their influence through it"),
    "parameter_data": (_PARAMETER, "nat", "data part of each parameter (application step)"),
    "parameter_decay": (_PARAMETER, "nat", "decay part of each parameter (application step)"),
    "step_true": (_STEP, "nat", "true change of the output in each step"),
    "step_data": (_STEP, "nat", "part of the change due to the data (application step)"),
    "step_decay": (_STEP, "nat", "part of the change due to weight decay (application step)"),
    "step_residual": (_STEP, "nat", "true change minus data part minus decay part"),
    "step_data_by_component": (_STEP_COMPONENT, "nat", "data part through each component"),
    "step_decay_by_component": (_STEP_COMPONENT, "nat", "decay part through each component"),
    "step_absolute_by_component": (
        _STEP_COMPONENT,
        "nat",
        "sum over training samples of |influence| of each gradient step",
    ),
    "subintervals": (("step", "test"), "1", "quadrature subintervals used"),
    "initial_output": (_QUERY, "nat", "explained output at theta_0"),
    "final_output": (_QUERY, "nat", "explained output at theta_S"),
    "data": (_QUERY, "nat", "sum of the influence of all training samples (adjoint route)"),
    "decay": (_QUERY, "nat", "contribution of weight decay (adjoint route)"),
    "residual": (_QUERY, "nat", "change minus data minus decay: step residuals and rounding"),
    "rounding": (
        _QUERY,
        "nat",
        "part of the residual: rounding of trained updates and computation",
    ),
    "influence_total": ((*_QUERY, "sample"), "nat", "influence of all training samples"),
    "influence_total_by_component": (
        ("component", *_QUERY, "sample"),
        "nat",
        "influence of all training samples through each component",
    ),
    "step_data_sum": (_QUERY, "nat", "data parts summed over steps"),
    "step_data_absolute_sum": (_QUERY, "nat", "absolute data parts summed over steps"),
    "step_residual_sum": (_QUERY, "nat", "residuals summed over steps"),
    "test_index": (("test",), "1", "row of the validation split"),
    "test_target": (("test",), "1", "target class of the explained sample"),
    "train_index": (("train",), "1", "row of the training split"),
    "train_target": (("train",), "1", "target class of the training sample"),
    "interval_start": (("interval",), "step", "first step of the interval"),
    "interval_stop": (("interval",), "step", "one past the last step of the interval"),
}
"""Name -> (dimensions, unit, description) of every array of an influence store."""

SUMMED = frozenset(
    {
        "influence",
        "influence_by_component",
        "influence_by_interval",
        "influence_total",
        "influence_total_by_component",
        "parameter_data",
        "parameter_decay",
        "data",
        "decay",
        "step_data_sum",
        "step_data_absolute_sum",
        "step_residual_sum",
    }
)
"""Arrays of which those of the segments of a run are added."""


def build_dataset(
    arrays: Mapping[str, np.ndarray],
    components: tuple[str, ...],
    outputs: list[str],
    attributes: Mapping[str, Any],
) -> xr.Dataset:
    """Assemble an influence dataset.

    Args:
        arrays: values by name, a subset of `ARRAYS`.
        components: labels of the component dimension.
        outputs: labels of the output dimension.
        attributes: dataset attributes; the sign convention is added.

    Returns:
        The dataset with units and descriptions.
    """
    dataset = xr.Dataset(
        {name: described(ARRAYS, name, values) for name, values in arrays.items()},
        coords={"output": outputs},
    )
    if "component" in dataset.dims:
        dataset = dataset.assign_coords(component=list(components))
    return dataset.assign_attrs({**attributes, "sign": SIGN})


_OUTPUTS = ("test", "class")

REFORMULATION: dict[str, tuple[tuple[str, ...], str, str]] = {
    "initial": (_OUTPUTS, "nat", "output at theta_0"),
    "data": (_OUTPUTS, "nat", "contribution of the data"),
    "decay": (_OUTPUTS, "nat", "contribution of weight decay"),
    "residual": (_OUTPUTS, "nat", "sum of the step residuals"),
    "true": (_OUTPUTS, "nat", "output at theta_S"),
    "reformulated": (_OUTPUTS, "nat", "initial + data + decay"),
    "step_change_mean_abs": (("step",), "nat", "mean over outputs of |true change|"),
    "step_data_mean_abs": (("step",), "nat", "mean over outputs of |data part|"),
    "step_decay_mean_abs": (("step",), "nat", "mean over outputs of |decay part|"),
    "step_residual_mean_abs": (("step",), "nat", "mean over outputs of |residual|"),
    "step_subintervals": (("step",), "1", "mean number of quadrature subintervals"),
    "target": (("test",), "1", "target class"),
}
"""Name -> (dimensions, unit, description) of every array of a validation store."""


def build_reformulation(arrays: Mapping[str, np.ndarray]) -> xr.Dataset:
    """Assemble a reformulation dataset; `reformulated` is added.

    Args:
        arrays: values by name, a subset of `REFORMULATION`.

    Returns:
        The dataset with units and descriptions.
    """
    values = {**arrays, "reformulated": arrays["initial"] + arrays["data"] + arrays["decay"]}
    return xr.Dataset(
        {name: described(REFORMULATION, name, value) for name, value in values.items()}
    )


PARAMETER_INFLUENCE: dict[str, tuple[tuple[str, ...], str, str]] = {
    "net": ((*_QUERY, "param"), "nat", "data part of each parameter, summed over steps"),
    "absolute": (
        (*_QUERY, "param"),
        "nat",
        "absolute data part of each parameter, summed likewise",
    ),
}
"""Name -> (dimensions, unit, description) of the influence through single parameters."""


def described(
    table: Mapping[str, tuple[tuple[str, ...], str, str]], name: str, values: np.ndarray
) -> tuple[tuple[str, ...], np.ndarray, dict[str, str]]:
    """An xarray variable with the dimensions, unit and description that a table gives its name."""
    dims, units, description = table[name]
    return dims, values, {"units": units, "description": description}
