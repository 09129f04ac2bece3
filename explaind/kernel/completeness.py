"""Completeness: initial value + data + regularisation + residual = final value, by two routes.

Both the explanation of a whole run and the sum of its segments are completed here; no torch.
"""

import logging
from collections.abc import Collection, Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

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
"""Times what rounding explains from which on something else is likely."""

SHORT_STEPS = (
    "Steps are so short beside the parameters that rounding those, as they were trained and"
    " recorded, changes up to %.0e of a step: the run need not be at fault."
)
NOT_GIVEN = (
    "Likely causes: a part of the loss that was not given (label smoothing, a penalty, class"
    " weights), gradients changed outside of the recorder, or another augment."
)
CANCELLING = (
    "Products in single precision can be off by as much where their terms cancel: explained in"
    " double precision (`dtype=torch.float64`) that shrinks, and what was not given stays."
)

logger = logging.getLogger(__name__)

STEP_SUMS = {
    "step_data_sum": "step_data",
    "step_data_absolute_sum": "step_data",
    "step_residual_sum": "step_residual",
}
"""Sums over steps that a segment hands on, and the arrays they are sums of."""

GROSS = "influence_absolute_sum"
"""Influence summed without its signs, which a segment hands on too. Sums of influences round to a
share of it: where they cancel, to more than a share of what is left."""

WORST = ("completeness_error", "completeness_in_roundings", "precision_error", "step_rounding")
"""Attributes of an explanation of which the largest of all parts counts."""


class Completeness(NamedTuple):
    """How complete a decomposition is.

    Attributes:
        error: the completeness error: the largest difference between the summed influence and the
            motion of the parameters, relative to the summed absolute data parts, or the change.
        in_roundings: the largest difference in multiples of what rounding explains.
    """

    error: float
    in_roundings: float

    def attributes(self) -> dict[str, float]:
        """Return the attributes of an explanation that say so."""
        return {"completeness_error": self.error, "completeness_in_roundings": self.in_roundings}


def step_sums(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the arrays of `STEP_SUMS`, `[test, output]`, from those with one entry per step."""
    return {
        name: (np.abs(arrays[of]) if "absolute" in name else arrays[of]).sum(0)
        for name, of in STEP_SUMS.items()
    }


def complete(
    arrays: Mapping[str, np.ndarray], dtypes: Collection[str], precision: str
) -> tuple[dict[str, np.ndarray], Completeness]:
    """Check the decomposition of a whole run and work out its residual.

    Args:
        arrays: `data`, `decay`, `carry` if there is one, `initial_output`, `final_output`, `GROSS`
            and those of `STEP_SUMS`, each `[test, output]`, summed over all segments.
        dtypes: types of the recorded path and of the computation; the coarser sets the tolerance.
        precision: precision of the products; the coarsest of all sets what rounding explains.

    Returns:
        `residual` and its share `rounding`; and how complete the decomposition is. One that is not
        is refused (`RecordingError`).
    """
    change = arrays["final_output"] - arrays["initial_output"]
    # where regularisation alone moved an output, the data parts are nothing but its rounding
    scale = np.maximum(arrays["step_data_absolute_sum"], np.abs(change)) + 1e-12
    errors = np.abs(arrays["data"] - arrays["step_data_sum"]) / scale
    check_completeness(float(errors.max()), dtypes)
    rounding = max(ROUNDOFF[kind] for kind in (*dtypes, precision))
    explained = np.maximum(rounding, ROUNDOFF["float64"] * arrays[GROSS] / scale)
    residual = change - arrays["data"] - arrays["decay"] - arrays.get("carry", 0.0)
    completed = {"residual": residual, "rounding": residual - arrays["step_residual_sum"]}
    return completed, Completeness(float(errors.max()), float((errors / explained).max()))


def check_completeness(error: float, dtypes: Collection[str]) -> None:
    """Refuse influence that does not add up to the motion of the parameters.

    Args:
        error: the completeness error.
        dtypes: types of the recorded path and of the computation; the coarser sets the tolerance.

    Raises:
        RecordingError: if some motion is not explained by the loss.
    """
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


def step_rounding(lengths: Float[np.ndarray, "2"], recorded: str) -> float:
    """Return the share of the steps that rounding the recorded parameters may have changed.

    A step is the difference of two parameter vectors, each rounded to a share of itself: of a step
    that is short beside them it is a larger share.

    Args:
        lengths: norms of the parameters, and of the part of their motion that is due to the data,
            each summed over the steps.
        recorded: type of the recorded parameters.

    Returns:
        The share, at most 1.
    """
    parameters, motion = map(float, lengths)
    rounded = ROUNDOFF[recorded] * parameters
    return rounded / motion if motion > rounded else 1.0


def warn_of_incompleteness(completeness: Completeness, step_rounding: float, computed: str) -> None:
    """Log a warning if a decomposition that is not refused is off by far more than rounding.

    Args:
        completeness: how complete it is.
        step_rounding: see the function of this name.
        computed: type of the computation.
    """
    error, roundings = completeness
    if roundings <= SUSPICIOUS:
        return
    causes = [SHORT_STEPS % step_rounding if error <= step_rounding else NOT_GIVEN]
    causes += [CANCELLING] if computed != "float64" else []
    logger.warning(
        "The influence of all samples and the motion of the parameters differ by %.1e of the"
        " summed absolute data parts, or the change; rounding of single numbers explains about"
        " %.0e. %s The difference is booked as `rounding`.",
        error,
        error / roundings,
        " ".join(causes),
    )
