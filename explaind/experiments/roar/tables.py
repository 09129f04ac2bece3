"""What the experiment `roar` measured: test losses after pixels were removed."""

from dataclasses import dataclass

import pandas as pd

from explaind.experiments.roar.settings import RoarSettings
from explaind.report.sources import Sources
from explaind.report.tables.confidence import mean_and_margin

CONTROL = "random"


@dataclass(frozen=True)
class RoarTables:
    """All numbers of the page.

    Attributes:
        losses: the table of the experiment, each row once.
        curves: see `loss_curves`.
    """

    losses: pd.DataFrame
    curves: pd.DataFrame

    def files(self) -> dict[str, pd.DataFrame]:
        """Return the tables behind the panels by name."""
        return {"losses": self.losses, "curves": self.curves}


def read(sources: Sources, _: RoarSettings) -> RoarTables:
    """Work the numbers of the page out of the result of the experiment.

    Args:
        sources: what lies on disk.

    Returns:
        The numbers.
    """
    # every part has the loss of the original network
    losses = sources.result("roar").drop_duplicates(["encoder", "replicate", "method", "fraction"])
    return RoarTables(losses, loss_curves(losses))


def loss_curves(losses: pd.DataFrame) -> pd.DataFrame:
    """Average over the trainings, and compare with the control training by training.

    Args:
        losses: the table of the experiment.

    Returns:
        One row per method and fraction: `method`, `fraction`, `mean` loss with `margin`, half its
        95 % interval by Student's t, and `gain`, the mean loss above that of the control, with
        `gain_margin`; margins are NaN for a single training, gains without a control.
    """
    keys = ["encoder", "replicate", "fraction"]
    control = losses[losses["method"] == CONTROL].set_index(keys)["loss"]
    rows = []
    for (method, fraction), own in losses.groupby(["method", "fraction"], sort=False):
        indexed = own.set_index(keys)["loss"]
        gains = (indexed - control.reindex(indexed.index)).to_numpy()
        numbers = (*mean_and_margin(indexed.to_numpy()), *mean_and_margin(gains))
        rows.append((method, fraction, *map(float, numbers)))
    names = ["method", "fraction", "mean", "margin", "gain", "gain_margin"]
    return pd.DataFrame(rows, columns=names).sort_values(["method", "fraction"], kind="stable")
