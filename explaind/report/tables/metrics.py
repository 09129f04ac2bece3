"""What the table of training metrics says of itself: what was measured, in which unit, on what.

One row for each point `theta_s`. Loss and metrics of the validation split are those of all its
samples. Those of the training split are, where a run trains on mini-batches, of the batch that step
`s` is about to take: only after the last step all training samples are measured.
"""

import pandas as pd

ACCURACIES = {"train_accuracy", "validation_accuracy"}
NORM_PREFIX = "parameter_norm_"


def has_accuracy(metrics: pd.DataFrame) -> bool:
    """Return whether the accuracy of both splits was measured: not every task has one."""
    return set(metrics.columns) >= ACCURACIES


def uses_mini_batches(metrics: pd.DataFrame) -> bool:
    """Return whether training loss and accuracy are those of one batch."""
    return bool(metrics.attrs["mini_batches"])


def unit_of_metric(metrics: pd.DataFrame, name: str) -> str:
    """Return the unit of the loss or of a metric, "1" of a fraction."""
    return str(metrics.attrs["units"][name])


def by_split(metrics: pd.DataFrame, name: str) -> dict[str, pd.Series]:
    """Return a metric of both splits under names that say what was measured.

    Args:
        metrics: the metrics table.
        name: `loss` or the name of a metric.

    Returns:
        Training and validation values, by step; of mini-batches without the last point.
    """
    train, name_of_train = metrics[f"train_{name}"], "training"
    if uses_mini_batches(metrics):
        train, name_of_train = train.where(metrics.index != metrics.index[-1]), "training (batch)"
    return {name_of_train: train, "validation": metrics[f"validation_{name}"]}


def component_norms(metrics: pd.DataFrame) -> pd.DataFrame:
    """Return the norms of the parameters of each component, by its name."""
    columns = [column for column in map(str, metrics.columns) if column.startswith(NORM_PREFIX)]
    return metrics[columns].rename(columns=lambda column: column.removeprefix(NORM_PREFIX))
