"""What the experiment `linear_probe` measured, over the trainings."""

from typing import NamedTuple

import pandas as pd

from explaind.experiments.linear_probe.settings import LinearProbeSettings
from explaind.report.sources import Sources
from explaind.report.tables.confidence import mean_interval

TRAINED, UNTRAINED, INPUTS = "trained encoder", "untrained encoder", "raw inputs"
"""What the classifier sees. An encoder before its training, from the seed that it was trained from,
and the inputs themselves say what is left to the training."""


class LinearProbeTables(NamedTuple):
    """All numbers of the page.

    Attributes:
        accuracy: see `mean_accuracy`.
        replicates: the table of the experiment.
    """

    accuracy: pd.DataFrame
    replicates: pd.DataFrame

    def files(self) -> dict[str, pd.DataFrame]:
        """Return the tables behind the panels by name."""
        return self._asdict()


def read(sources: Sources, _: LinearProbeSettings) -> LinearProbeTables:
    """Work the numbers of the page out of the result of the experiment.

    Args:
        sources: what there is on disk.

    Returns:
        The numbers.
    """
    replicates = sources.result("linear_probe")
    return LinearProbeTables(mean_accuracy(replicates), replicates)


def mean_accuracy(replicates: pd.DataFrame) -> pd.DataFrame:
    """Average over the trainings.

    Args:
        replicates: the table of the experiment.

    Returns:
        One row per `encoder` and what is `seen`: `mean`, `low`, `high`, `smallest`, `largest` and
        `repetitions` of the accuracy (`confidence.mean_interval`), the mean `train_accuracy`, and
        `majority`.
    """
    rows = []
    for (encoder, seen), own in replicates.groupby(["encoder", "seen"], sort=False):
        others = own[["train_accuracy", "majority"]].mean().to_dict()
        rows.append(
            {"encoder": encoder, "seen": seen} | mean_interval(own["accuracy"].to_numpy()) | others
        )
    return pd.DataFrame(rows)
