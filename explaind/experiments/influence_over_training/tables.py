"""The numbers of the page on influence over training."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

import numpy as np
import pandas as pd

from explaind.choices import CREDITS
from explaind.experiments.influence_over_training.settings import InfluenceOverTrainingSettings
from explaind.report.sources import Sources
from explaind.report.tables.outputs import output_name, output_unit
from explaind.report.tables.phases import Phases, find_phases
from explaind.report.tables.steps import influence_by_component

HOLD = 2
"""Intervals for which a sign must be held to count."""

DATA, DECAY = "training data", "regularisation"
MEASURES = {"ratio": 1.0, "difference": 0.0}
"""The measures of balance, and their value where both parts are equally large."""


@dataclass(frozen=True)
class OverTrainingTables:
    """All numbers of the page.

    Attributes:
        output: plain name of the output that the single steps explain.
        unit: its unit.
        phases: memorisation and generalisation steps.
        last_step: the last step of the run.
        steps: see `steps_by_component`.
        balance: see `balance_table`.
        crossings: see `crossings`.
        samples: number of the explained samples behind `steps`.
        smoothing: steps of the moving averages.
    """

    output: str
    unit: str
    phases: Phases
    last_step: int
    steps: pd.DataFrame
    balance: pd.DataFrame
    crossings: pd.DataFrame
    samples: int
    smoothing: Sequence[int]

    def files(self) -> dict[str, pd.DataFrame]:
        """Return the tables behind the panels by name."""
        return {"steps": self.steps, "balance": self.balance, "crossings": self.crossings}


def read(sources: Sources, settings: InfluenceOverTrainingSettings) -> OverTrainingTables:
    """Read the numbers of the page.

    Args:
        sources: what the run left on disk.
        settings: the options of the page.

    Returns:
        The numbers.
    """
    influence, metrics = sources.influence, sources.metrics
    balance = balance_table(sources.result("influence_over_training"))
    return OverTrainingTables(
        output=output_name(influence),
        unit=output_unit(influence),
        phases=find_phases(metrics),
        last_step=int(metrics["step"].iloc[-1]),
        steps=pd.concat(
            [
                influence_by_component(influence, booked).set_index(["step", "component"])
                for booked in CREDITS
            ],
            axis=1,
        ).reset_index(),
        balance=balance,
        crossings=crossings(balance),
        samples=influence.sizes["test"],
        smoothing=settings.page.smoothing,
    )


def balance_table(table: pd.DataFrame) -> pd.DataFrame:
    """Compare the two parts of every component in every interval.

    Args:
        table: the table of the experiment.

    Returns:
        The same with `ratio`, the size of the data part over that of the regularisation part (NaN
        without regularisation), and `difference`, the sum over parameters of the sizes of the data
        part less the same of the regularisation part: `D(Theta)` of the paper, for one sample.
    """
    decayed = table["decay"] > 0
    return table.assign(
        ratio=np.where(decayed, table["data"] / table["decay"].where(decayed), np.nan),
        difference=table["data_absolute"] - table["decay_absolute"],
    )


def crossings(balance: pd.DataFrame, hold: int = HOLD) -> pd.DataFrame:
    """Find when regularisation overtakes the training data, or these it.

    Args:
        balance: the table of `balance_table`.
        hold: intervals for which the larger part must stay the larger one.

    Returns:
        One row per functional, component, `measure` of `MEASURES` and `step` from which another
        part is larger (the first of an interval), and which is `larger`.
    """
    rows = []
    for (functional, component), found in balance.groupby(["functional", "component"], sort=False):
        for measure, equal in MEASURES.items():
            for place, sign in sign_changes((found[measure] - equal).to_numpy(), hold):
                rows.append(
                    {
                        "functional": functional,
                        "component": component,
                        "measure": measure,
                        "step": int(found["start"].iloc[place]),
                        "larger": DATA if sign > 0 else DECAY,
                    }
                )
    return pd.DataFrame(rows, columns=["functional", "component", "measure", "step", "larger"])


def sign_changes(values: np.ndarray, hold: int) -> list[tuple[int, int]]:
    """Find where a sequence changes its sign for a while.

    Args:
        values: the sequence; zero and NaN have no sign.
        hold: how many values in a row make a sign count.

    Returns:
        Position of the first value of another sign than before, and that sign.
    """
    signs = np.nan_to_num(np.sign(values)).astype(int)
    held: list[tuple[int, int]] = []
    for sign, members in groupby(enumerate(signs), key=lambda member: int(member[1])):
        places = [place for place, _ in members]
        if sign and len(places) >= hold:
            held.append((places[0], sign))
    return [later for earlier, later in pairwise(held) if earlier[1] != later[1]]
