"""When a run memorised its training data, and when it generalised, where that can be told apart."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from explaind.report.tables.metrics import has_accuracy, uses_mini_batches
from explaind.report.text import percent

THRESHOLD = 0.98
HOLD = 100
HELD = f"{percent(THRESHOLD)} or more for {HOLD} steps"  # "reached", in captions


@dataclass(frozen=True)
class Phases:
    """The two turning points of a run; the first comes before the second.

    Attributes:
        memorisation: first step from which the training accuracy holds the threshold, or None.
        generalisation: the same for the validation accuracy, or None.
    """

    memorisation: int | None = None
    generalisation: int | None = None


def find_phases(metrics: pd.DataFrame, threshold: float = THRESHOLD, hold: int = HOLD) -> Phases:
    """Find the memorisation and generalisation steps of a run in its metrics.

    An accuracy counts as reached if it is held for a while, not if it is touched once. It need not
    be held for ever: training at a high weight decay may stumble and recover long afterwards. A
    training may stop as soon as it generalises, so validation accuracy may be held to the end.

    Phases are told apart only if the network memorised first: training accuracy, measured on all
    training samples, is held within the run, and validation accuracy follows later than it takes to
    see that. Networks that learn both at once have no phases.

    Args:
        metrics: the metrics table, one row per step.
        threshold: the accuracy to reach, as a share of 1.
        hold: steps for which it must be held.

    Returns:
        The first such step of each split; None where there is none, and without phases.
    """
    if not has_accuracy(metrics) or uses_mini_batches(metrics):
        return Phases()
    train = _first_held(metrics["train_accuracy"] >= threshold, hold, to_the_end=False)
    validation = _first_held(metrics["validation_accuracy"] >= threshold, hold, to_the_end=True)
    if train is None or (validation is not None and validation < train + hold):
        return Phases()
    steps = metrics["step"].to_numpy()
    return Phases(int(steps[train]), None if validation is None else int(steps[validation]))


def _first_held(reached: pd.Series, hold: int, *, to_the_end: bool) -> int | None:
    """Return the first of the first `hold` reached rows in a row, or of such a row at the end."""
    missed = np.concatenate([[-1], np.flatnonzero(~reached), [len(reached)]])
    starts, lengths = missed[:-1] + 1, np.diff(missed) - 1
    held = lengths >= hold
    if to_the_end:
        held |= (lengths > 0) & (starts + lengths == len(reached))
    return int(starts[held][0]) if held.any() else None
