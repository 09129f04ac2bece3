"""What the experiment `retrain` measured: learning curves, and steps until networks generalise."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float
from scipy import stats

from explaind.experiments.retrain.settings import RetrainSettings
from explaind.report.sources import Sources
from explaind.report.tables.phases import Phases, find_phases

CASE = ["source", "transplanted"]
ACCURACIES = ["train_accuracy", "validation_accuracy"]
HALF = 0.5 + 1e-9  # a product of fractions may miss 1/2 by rounding


@dataclass(frozen=True)
class RetrainTables:
    """All numbers of the page.

    Attributes:
        curves: see `mean_curves`.
        trainings: see `steps_of_trainings`.
        steps: see `steps_by_case`.
        goal: validation accuracy up to which steps are counted.
        own_step: step at which the run itself reached it; None if it did not.
        phases: the turning points of the run.
        last_step: of the run.
    """

    curves: pd.DataFrame
    trainings: pd.DataFrame
    steps: pd.DataFrame
    goal: float
    own_step: int | None
    phases: Phases
    last_step: int

    def files(self) -> dict[str, pd.DataFrame]:
        """Return the tables behind the panels by name."""
        return {"curves": self.curves, "trainings": self.trainings, "steps": self.steps}


def read(sources: Sources, settings: RetrainSettings) -> RetrainTables:
    """Work the numbers of the page out of the result of the experiment.

    Args:
        sources: what the run left on disk.
        settings: the options of the page.

    Returns:
        The numbers.
    """
    table, goal = sources.result("retrain"), settings.page.goal
    metrics = sources.metrics
    reached = metrics["step"][metrics["validation_accuracy"] >= goal]
    trainings = steps_of_trainings(table, goal)
    return RetrainTables(
        curves=mean_curves(table),
        trainings=trainings,
        steps=steps_by_case(trainings),
        goal=goal,
        own_step=None if reached.empty else int(reached.iloc[0]),
        phases=find_phases(metrics),
        last_step=int(metrics["step"].max()),
    )


def steps_of_trainings(table: pd.DataFrame, goal: float) -> pd.DataFrame:
    """Count the steps of each training until its validation accuracy first reaches a goal.

    Args:
        table: the table of the experiment.
        goal: the accuracy, as a fraction.

    Returns:
        One row per training: `source`, `transplanted`, `seed`, `steps` and `reached`. One that does
        not reach the goal is censored: it would take more than its `steps`, at which it ended.
    """
    trainings = table.groupby([*CASE, "seed"], sort=False)
    last = trainings["step"].last().rename("steps")
    first = table[table["validation_accuracy"] >= goal].groupby([*CASE, "seed"])["step"].first()
    first = first.reindex(last.index)
    counted = first.fillna(last).astype(int).rename("steps").to_frame()
    return counted.assign(reached=first.notna()).reset_index()


def steps_by_case(trainings: pd.DataFrame) -> pd.DataFrame:
    """Sum up the trainings of all seeds.

    Args:
        trainings: the table of `steps_of_trainings`.

    Returns:
        One row per source and set of components: `source`, `transplanted`, number of `trainings`
        and of those that `reached` the goal, the `median` of their steps (`median_time`), the
        fewest (`low`) and the most (`high`); NaN = more than `longest`, the steps of the longest.
    """
    rows = []
    for case, seeds in trainings.groupby(CASE, sort=False):
        steps, reached = seeds["steps"].to_numpy(dtype=float), seeds["reached"].to_numpy()
        rows.append(
            {
                **dict(zip(CASE, case, strict=True)),
                "trainings": len(seeds),
                "reached": int(reached.sum()),
                "median": median_time(steps, reached),
                "low": steps[reached].min() if reached.any() else np.nan,
                "high": steps.max() if reached.all() else np.nan,
                "longest": int(steps.max()),
            }
        )
    return pd.DataFrame(rows)


def median_time(times: Float[np.ndarray, " case"], reached: Bool[np.ndarray, " case"]) -> float:
    """Estimate the median time to an event that was not waited for in every case.

    Args:
        times: time of the event, or until which it had not happened (right-censored).
        reached: whether it happened.

    Returns:
        The first time at which the share of cases without the event, estimated by Kaplan and Meier
        (1958), is at most a half; NaN if it is never.
    """
    if not reached.any():
        return float("nan")
    survival = stats.ecdf(stats.CensoredData.right_censored(times, ~reached)).sf
    below = survival.quantiles[survival.probabilities <= HALF]
    return float(below[0]) if len(below) else float("nan")


def mean_curves(table: pd.DataFrame) -> pd.DataFrame:
    """Average the learning curves over the seeds.

    A training that ended early keeps its last accuracies: none is missing in the average of a later
    step.

    Args:
        table: the table of the experiment.

    Returns:
        One row per source, set of components and step: `source`, `transplanted`, `step`, and for
        both splits the mean over the seeds of the accuracy (`train_accuracy`, say), the smallest
        (`_low`) and the largest (`_high`).
    """
    steps = np.arange(table["step"].max() + 1)
    rows = []
    for case, trainings in table.groupby(CASE, sort=False):
        curves = pd.DataFrame({**dict(zip(CASE, case, strict=True)), "step": steps})
        for name in ACCURACIES:
            by_seed = trainings.pivot_table(index="step", columns="seed", values=name)
            accuracies = by_seed.reindex(steps).ffill().to_numpy()
            curves[name] = accuracies.mean(1)
            curves[f"{name}_low"], curves[f"{name}_high"] = accuracies.min(1), accuracies.max(1)
        rows.append(curves)
    return pd.concat(rows, ignore_index=True)
