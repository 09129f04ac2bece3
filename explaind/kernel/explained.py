"""An explanation as a dataset: completed, checked, and with how it was computed."""

from typing import Any

import numpy as np
import torch
import xarray as xr
from jaxtyping import Float64

from explaind.history.replay.history import History
from explaind.history.schema import dtype_name
from explaind.kernel.collectors.output_arrays import OutputArrays
from explaind.kernel.collectors.training_axis import SampleGroups
from explaind.kernel.completeness import (
    GROSS,
    STEP_SUMS,
    complete,
    step_rounding,
    step_sums,
    warn_of_incompleteness,
)
from explaind.kernel.contraction.training_side import TrainingSide
from explaind.kernel.explain import Explanation
from explaind.kernel.functionals import Functional
from explaind.kernel.query.queries import Queries
from explaind.kernel.result import build_dataset


def explained_dataset(
    explanation: Explanation,
    history: History,
    training: TrainingSide,
    queries: Queries,
    functional: Functional,
    kept: OutputArrays,
    whole: bool,
) -> xr.Dataset:
    """Make the dataset of an explanation; that of a whole run is completed and checked.

    Args:
        explanation: what the adjoint loop returned.
        history: the recorded path.
        training: the training side.
        queries: the query side.
        functional: what was explained.
        kept: what is kept.
        whole: whether it is of the whole run, not of a segment (`merge_segments` completes those).

    Returns:
        The arrays of `kernel.result.ARRAYS`. Influence that does not add up to the motion of the
        parameters is refused (`RecordingError`).
    """
    arrays = {**explanation.arrays, **end_values(history, queries)}
    arrays |= step_sums(arrays)
    attributes = {
        "functional": functional.name,
        "quadrature_rule": queries.quadrature.rule,
        "credit": kept.credit,
        "precision_error": explanation.precision_error,
        "step_rounding": step_rounding(explanation.lengths, dtype_name(history.stored_dtype)),
        **_computed(history, training),
    }
    if "parameter" in kept.keep:
        attributes["tensors"] = history.layout.to_json()
    if whole:
        dtypes = {attributes["computed_dtype"], attributes["recorded_dtype"]}
        completed, completeness = complete(arrays, dtypes, attributes["precision"])
        attributes |= completeness.attributes()
        warn_of_incompleteness(
            completeness, attributes["step_rounding"], attributes["computed_dtype"]
        )
        used_up = {*STEP_SUMS, GROSS}
        arrays = {key: a for key, a in arrays.items() if key not in used_up} | completed
    width = explanation.shape[1]
    names = [functional.name] if width == 1 else [str(k) for k in range(width)]
    groups = None if kept.groups is None else SampleGroups(kept.groups, training.samples).names
    return build_dataset(
        arrays, history.layout.components, names, attributes, functional.unit, groups
    )


def end_values(history: History, queries: Queries) -> dict[str, Float64[np.ndarray, "test output"]]:
    """Return the explained outputs before the first and after the last step."""
    ends = {"initial_output": history.initial, "final_output": history.theta(history.steps)}
    values = {name: queries.values(theta) for name, theta in ends.items()}
    return {name: value.double().cpu().numpy() for name, value in values.items()}


def _computed(history: History, training: TrainingSide) -> dict[str, Any]:
    """How everything was computed."""
    dtype, contraction = dtype_name(history.dtype), training.contraction
    coarsest = history.autocast or history.loss_dtype
    return {
        "computed_dtype": dtype,
        "recorded_dtype": coarsest or dtype_name(history.stored_dtype),
        "computed_device": torch.device(history.device).type,
        "precision": contraction.precision if contraction.reduced else dtype,
        "train_samples": training.samples,
    }
