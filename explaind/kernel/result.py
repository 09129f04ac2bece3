"""The dataset that an explanation is returned and stored as."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Float
from torch import Tensor

import explaind.kernel.explanation  # noqa: F401 (the accessor of what is made here)
from explaind.kernel.trajectory.steps import PARTS

UNIT = "unit of the explained output"
"""Stands for the unit of the functional in the tables below."""

SIGN = "positive influence = the training sample pushed the explained output up"

ArrayTable = Mapping[str, tuple[tuple[str, ...], str, str]]
"""Name -> (dimensions, unit, description)."""

_QUERY = ("test", "output")
_STEP = ("step", *_QUERY)
_STEP_COMPONENT = ("step", "component", *_QUERY)
_RANK = (*_QUERY, "rank")
_RANK_COMPONENT = ("component", *_RANK)
_PARAMETER = ("interval", *_QUERY, "param")

ARRAYS: ArrayTable = {
    "influence": ((*_QUERY, "train"), UNIT, "influence summed over steps and components"),
    "influence_by_component": (
        ("component", *_QUERY, "train"),
        UNIT,
        "influence through each component, summed over steps",
    ),
    "influence_by_interval": (
        ("interval", "component", *_QUERY, "train"),
        UNIT,
        "influence through each component, summed over the steps of each interval",
    ),
    "helpful_index": (_RANK, "1", "training samples of largest influence, largest first"),
    "helpful_influence": (_RANK, UNIT, "their influence"),
    "harmful_index": (_RANK, "1", "training samples of smallest influence, smallest first"),
    "harmful_influence": (_RANK, UNIT, "their influence"),
    "helpful_index_by_component": (
        _RANK_COMPONENT,
        "1",
        "training samples of largest influence through each component, largest first",
    ),
    "helpful_influence_by_component": (_RANK_COMPONENT, UNIT, "their influence through it"),
    "harmful_index_by_component": (
        _RANK_COMPONENT,
        "1",
        "training samples of smallest influence through each component, smallest first",
    ),
    "harmful_influence_by_component": (_RANK_COMPONENT, UNIT, "their influence through it"),
    "parameter_data": (_PARAMETER, UNIT, "data part of each parameter (application step)"),
    "parameter_decay": (
        _PARAMETER,
        UNIT,
        "regularisation part (weight decay and penalty) of each parameter (application step)",
    ),
    "parameter_carry": (
        _PARAMETER,
        UNIT,
        "part of the gradients before the recording, of each parameter (application step)",
    ),
    "step_true": (_STEP, UNIT, "true change of the output in each step"),
    "step_data": (_STEP, UNIT, "part of the change due to the data (application step)"),
    "step_decay": (
        _STEP,
        UNIT,
        "part of the change due to regularisation: weight decay and penalty (application step)",
    ),
    "step_carry": (
        _STEP,
        UNIT,
        "part of the change due to gradients before the recording (application step)",
    ),
    "step_residual": (_STEP, UNIT, "true change minus all other parts"),
    "step_data_by_component": (_STEP_COMPONENT, UNIT, "data part through each component"),
    "step_decay_by_component": (
        _STEP_COMPONENT,
        UNIT,
        "regularisation part through each component",
    ),
    "step_carry_by_component": (
        _STEP_COMPONENT,
        UNIT,
        "part of the gradients before the recording through each component",
    ),
    "step_absolute_by_component": (
        _STEP_COMPONENT,
        UNIT,
        "sum over training samples of |influence| of each gradient step",
    ),
    "step_net_by_component": (
        _STEP_COMPONENT,
        UNIT,
        "sum over training samples of the influence of each gradient step",
    ),
    "subintervals": (("step", "test"), "1", "quadrature subintervals used"),
    "initial_output": (_QUERY, UNIT, "explained output at theta_0"),
    "final_output": (_QUERY, UNIT, "explained output at theta_S"),
    "data": (_QUERY, UNIT, "sum of the influence of all training samples (adjoint route)"),
    "decay": (
        _QUERY,
        UNIT,
        "contribution of regularisation: weight decay and penalty (adjoint route)",
    ),
    "carry": (
        _QUERY,
        UNIT,
        "contribution of gradients before the recording, through the momentum at its start",
    ),
    "residual": (
        _QUERY,
        UNIT,
        "change minus all other parts: step residuals and rounding",
    ),
    "rounding": (
        _QUERY,
        UNIT,
        "part of the residual: rounding of trained updates and computation",
    ),
    "influence_total": ((*_QUERY, "sample"), UNIT, "influence of all training samples"),
    "influence_total_by_component": (
        ("component", *_QUERY, "sample"),
        UNIT,
        "influence of all training samples through each component",
    ),
    "step_data_sum": (_QUERY, UNIT, "data parts summed over steps"),
    "step_data_absolute_sum": (_QUERY, UNIT, "absolute data parts summed over steps"),
    "step_residual_sum": (_QUERY, UNIT, "residuals summed over steps"),
    "influence_absolute_sum": (
        _QUERY,
        UNIT,
        "absolute influence summed over steps, components and samples",
    ),
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
        "parameter_carry",
        "data",
        "decay",
        "carry",
        "step_data_sum",
        "step_data_absolute_sum",
        "step_residual_sum",
        "influence_absolute_sum",
    }
)
"""Arrays of which those of the segments of a run are added."""


def build_dataset(
    arrays: Mapping[str, np.ndarray],
    components: tuple[str, ...],
    outputs: list[str],
    attributes: Mapping[str, Any],
    unit: str,
    groups: Sequence[str] | None = None,
) -> xr.Dataset:
    """Assemble an influence dataset.

    Args:
        arrays: values by name, a subset of `ARRAYS`.
        components: labels of the component dimension.
        outputs: labels of the output dimension.
        attributes: dataset attributes; the sign convention is added.
        unit: unit of the explained output.
        groups: names of the groups that influence was summed by, which are then the labels of a
            dimension `group` in place of `train`.

    Returns:
        The dataset with units and descriptions.
    """
    dataset = xr.Dataset(
        {name: described(ARRAYS, name, values, unit) for name, values in arrays.items()},
        coords={"output": outputs},
    )
    if "component" in dataset.dims:
        dataset = dataset.assign_coords(component=list(components))
    if groups is not None and "train" in dataset.dims:
        dataset = dataset.rename(train="group").assign_coords(group=list(groups))
    return dataset.assign_attrs({**attributes, "sign": SIGN})


_OUTPUTS = ("test", "class")

REFORMULATION: ArrayTable = {
    "initial": (_OUTPUTS, UNIT, "output at theta_0"),
    "data": (_OUTPUTS, UNIT, "contribution of the data"),
    "decay": (_OUTPUTS, UNIT, "contribution of regularisation: weight decay and penalty"),
    "carry": (_OUTPUTS, UNIT, "contribution of the gradients before the recording"),
    "residual": (_OUTPUTS, UNIT, "sum of the step residuals"),
    "true": (_OUTPUTS, UNIT, "output at theta_S"),
    "reformulated": (_OUTPUTS, UNIT, "initial value + the parts of the motion"),
    "step_change_mean_abs": (("step",), UNIT, "mean over outputs of |true change|"),
    "step_data_mean_abs": (("step",), UNIT, "mean over outputs of |data part|"),
    "step_decay_mean_abs": (("step",), UNIT, "mean over outputs of |regularisation part|"),
    "step_carry_mean_abs": (("step",), UNIT, "mean over outputs of |part of earlier gradients|"),
    "step_residual_mean_abs": (("step",), UNIT, "mean over outputs of |residual|"),
    "step_subintervals": (("step",), "1", "mean number of quadrature subintervals"),
    "target": (("test",), "1", "target class"),
}
"""Name -> (dimensions, unit, description) of every array of a validation store."""


def build_reformulation(arrays: Mapping[str, np.ndarray], unit: str) -> xr.Dataset:
    """Assemble a reformulation dataset; `reformulated` is added.

    Args:
        arrays: values by name, a subset of `REFORMULATION`.
        unit: unit of the outputs of the model.

    Returns:
        The dataset with units and descriptions.
    """
    parts = [arrays[name] for name in PARTS if name in arrays]
    values = {**arrays, "reformulated": arrays["initial"] + sum(parts)}
    return xr.Dataset(
        {name: described(REFORMULATION, name, value, unit) for name, value in values.items()}
    )


PARAMETER_INFLUENCE: ArrayTable = {
    "net": ((*_QUERY, "param"), UNIT, "data part of each parameter, summed over steps"),
    "absolute": (
        (*_QUERY, "param"),
        UNIT,
        "absolute data part of each parameter, summed likewise",
    ),
}
"""Name -> (dimensions, unit, description) of the influence through single parameters."""

ONE_STEP: ArrayTable = {
    "gradient_step": (
        ("component", *_QUERY, "train"),
        UNIT,
        "what the gradients of the step did, through all steps that applied them",
    ),
    "application_step": (
        ("component", *_QUERY, "train"),
        UNIT,
        "what moved the parameters in the step",
    ),
    "single_step": (
        ("component", *_QUERY, "train"),
        UNIT,
        "what the gradients of the step did within it",
    ),
}
"""Credit -> (dimensions, unit, description) of the influence of one step."""


def build_one_step(
    influence: Float[Tensor, "component test output train"],
    credit: str,
    components: tuple[str, ...],
    unit: str,
) -> xr.DataArray:
    """Assemble the influence of one step.

    Args:
        influence: its values.
        credit: what of the step they are.
        components: labels of the component dimension.
        unit: unit of the explained output.

    Returns:
        The array with unit and description.
    """
    dims, values, attributes = described(ONE_STEP, credit, influence.cpu().numpy(), unit)
    return xr.DataArray(values, {"component": list(components)}, dims, attrs=attributes)


PART_INFLUENCE: ArrayTable = {
    "influence_by_part": (
        (*_QUERY, "train", "part"),
        UNIT,
        "influence of the parts of training samples, summed over steps and components",
    ),
    "train_index": ARRAYS["train_index"],
}
"""Name -> (dimensions, unit, description) of the influence of parts of samples."""


def build_parameter_influence(arrays: Mapping[str, np.ndarray], unit: str) -> xr.Dataset:
    """Return the influence through single parameters as a dataset with units and descriptions."""
    return _built(PARAMETER_INFLUENCE, arrays, unit)


def build_parts(arrays: Mapping[str, np.ndarray], unit: str) -> xr.Dataset:
    """Return the influence of parts of samples as a dataset with units and descriptions."""
    return _built(PART_INFLUENCE, arrays, unit)


def _built(table: ArrayTable, arrays: Mapping[str, np.ndarray], unit: str) -> xr.Dataset:
    return xr.Dataset({name: described(table, name, value, unit) for name, value in arrays.items()})


def described(
    table: ArrayTable, name: str, values: np.ndarray, unit: str = "1"
) -> tuple[tuple[str, ...], np.ndarray, dict[str, str]]:
    """Describe an array as xarray takes it.

    Args:
        table: where its name is listed.
        name: the array.
        values: its numbers.
        unit: unit of the explained output.

    Returns:
        Dimensions, numbers, and attributes with unit and description.
    """
    dims, units, description = table[name]
    return dims, values, {"units": unit if units == UNIT else units, "description": description}
