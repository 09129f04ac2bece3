"""Completeness: initial value + data + regularisation + residual = final value, by two routes.

Both the explanation of a whole run and the sum of its segments are completed here; no torch.
"""

import logging
from collections.abc import Collection, Mapping

import numpy as np

from explaind.errors import RecordingError

PATH_TOLERANCE = {"float32": 1e-2, "float64": 1e-6, "bfloat16": 0.1, "float16": 0.1}
"""Completeness error above which an explanation is refused, by type."""

ROUNDOFF = {
    "float64": 2.0**-53,
    "float32": 2.0**-24,
    "tf32": 2.0**-11,
    "float16": 2.0**-11,
    "bf16": 2.0**-8,
    "bfloat16": 2.0**-8,
}
"""Largest relative error of rounding a number, by type or precision. Clean runs are complete to a
few of these."""

SUSPICIOUS = 100
"""Times that error from which on something else than rounding is likely."""

logger = logging.getLogger(__name__)

STEP_SUMS = {
    "step_data_sum": "step_data",
    "step_data_absolute_sum": "step_data",
    "step_residual_sum": "step_residual",
}
"""Sums over steps that a segment hands on, and the arrays they are sums of."""


def step_sums(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the arrays of `STEP_SUMS`, `[test, output]`, from those with one entry per step."""
    return {
        name: (np.abs(arrays[of]) if "absolute" in name else arrays[of]).sum(0)
        for name, of in STEP_SUMS.items()
    }


def complete(
    arrays: Mapping[str, np.ndarray], dtypes: Collection[str]
) -> tuple[dict[str, np.ndarray], float]:
    """Check the decomposition of a whole run and work out its residual.

    Args:
        arrays: `data`, `decay`, `carry` if there is one, `initial_output`, `final_output` and those
            of `STEP_SUMS`, each `[test, output]`, summed over all segments.
        dtypes: types of the recorded path and of the computation; the coarser sets the tolerance.

    Returns:
        `residual` and its share `rounding`; and the completeness error, see `check_completeness`.
    """
    change = arrays["final_output"] - arrays["initial_output"]
    # where regularisation alone moved an output, the data parts are nothing but its rounding
    scale = np.maximum(arrays["step_data_absolute_sum"], np.abs(change))
    error = check_completeness(arrays["data"], arrays["step_data_sum"], scale, dtypes)
    residual = change - arrays["data"] - arrays["decay"] - arrays.get("carry", 0.0)
    return {"residual": residual, "rounding": residual - arrays["step_residual_sum"]}, error


def check_completeness(
    influence: np.ndarray, moved: np.ndarray, scale: np.ndarray, dtypes: Collection[str]
) -> float:
    """Compare the two routes to the data part: summed influence, and motion of the parameters.

    Args:
        influence: influence summed over all training samples, `[test, output]` (adjoint route).
        moved: data parts summed over all steps (from the recorded parameters).
        scale: the same with absolute values, or the change of the output where that is larger.
        dtypes: types of the recorded path and of the computation; the coarser sets the tolerance.

    Returns:
        The completeness error: the largest difference relative to that scale.

    Raises:
        RecordingError: if the routes disagree, so that some motion is not explained by the loss.
    """
    error = float((np.abs(influence - moved) / (scale + 1e-12)).max())
    tolerance = max(PATH_TOLERANCE[dtype] for dtype in dtypes)
    if not error <= tolerance:
        raise RecordingError(
            "The influence of all samples adds up to something else than the motion of the"
            f" parameters (relative difference {error:.2e}, expected below {tolerance:g})."
            " Some steps do not follow from loss_fn and train_data: were gradients clipped or"
            " changed outside of the recorder, is part of the loss not given (penalty),"
            " or was another augment recorded? Or does Adam divide by gradients that cancel to"
            " rounding, of a last layer that begins at zero, say (docs/reading.md)?"
        )
    return error


def warn_of_incompleteness(error: float, precisions: Collection[str]) -> None:
    """Log a warning if a completeness error that is not refused is far more than rounding.

    Args:
        error: the completeness error.
        precisions: types of the recorded path and of the computation, and the precision of the
            products; the coarsest sets what rounding explains.
    """
    rounding = max(ROUNDOFF[precision] for precision in precisions)
    if error > SUSPICIOUS * rounding:
        logger.warning(
            "The influence of all samples and the motion of the parameters differ by %.1e of the"
            " summed absolute data parts, or the change; rounding explains about %.0e. Likely"
            " causes: a part of the loss that was not given (label smoothing, a penalty, class"
            " weights), gradients changed outside of the recorder, or another augment. The"
            " difference is booked as `rounding`.",
            error,
            rounding,
        )
