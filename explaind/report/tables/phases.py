"""When a run memorised its training data, and when it generalised."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from explaind.report.text import percent

THRESHOLD = 0.98
HOLD = 100
HELD = f"{percent(THRESHOLD)} or more for {HOLD} steps or to the end"  # "reached", in captions


@dataclass(frozen=True)
class Phases:
    """The two turning points of a run.

    Attributes:
        memorisation: first step from which the training accuracy holds the threshold, or None.
        generalisation: the same for the validation accuracy, or None.
    """

    memorisation: int | None = None
    generalisation: int | None = None


def has_accuracy(metrics: pd.DataFrame) -> bool:
    """Return whether the accuracy of both splits was measured: not every task has one."""
    return {"train_accuracy", "validation_accuracy"} <= set(metrics.columns)


def find_phases(metrics: pd.DataFrame, threshold: float = THRESHOLD, hold: int = HOLD) -> Phases:
    """Find the memorisation and generalisation steps of a run in its metrics.

    An accuracy counts as reached if it is held for a while, not if it is touched once. It need not
    be held for ever: training at a high weight decay may stumble and recover long afterwards.

    Args:
        metrics: the metrics table, one row per step.
        threshold: the accuracy to reach, as a share of 1.
        hold: steps for which it must be held; fewer if the run ends before.

    Returns:
        The first such step of each split; None where there is none, or no accuracy.
    """
    if not has_accuracy(metrics):
        return Phases()
    steps = metrics["step"].to_numpy()
    train, validation = metrics["train_accuracy"], metrics["validation_accuracy"]
    return Phases(
        memorisation=_first_held(steps, train.to_numpy() >= threshold, hold),
        generalisation=_first_held(steps, validation.to_numpy() >= threshold, hold),
    )


def _first_held(steps: np.ndarray, reached: np.ndarray, hold: int) -> int | None:
    """Return the first of the first `hold` reached steps in a row, or of a last such row."""
    missed = np.concatenate([[-1], np.flatnonzero(~reached), [len(reached)]])
    starts, lengths = missed[:-1] + 1, np.diff(missed) - 1
    lasts = (starts < len(reached)) & ((lengths >= hold) | (starts + lengths == len(reached)))
    return int(steps[starts[lasts][0]]) if lasts.any() else None
