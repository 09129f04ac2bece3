"""Steps to a goal with censoring, and mean curves, from a table made by hand."""

import numpy as np
import pandas as pd
import pytest

from explaind.config.dataset import ModuloDataset
from explaind.experiments.retrain.settings import RetrainSettings
from explaind.experiments.retrain.tables import (
    mean_curves,
    median_time,
    read,
    steps_by_case,
    steps_of_trainings,
)
from explaind.paths import Paths
from explaind.report.sources import Sources
from explaind.report.tables.phases import Phases
from tests.experiments.retrain.measured import ENDS, TAKEN, retrain_table


@pytest.mark.parametrize(("goal", "own_step"), [(1.0, None), (0.5, 3)])
def test_the_page_reads_the_table_and_when_the_run_got_there(tmp_path, goal, own_step):
    paths, results = Paths(tmp_path), {"retrain": ("retrain", "mine")}
    path = paths.experiment("a", "mine")
    path.parent.mkdir(parents=True)
    retrain_table().to_parquet(path)
    sources = Sources(paths, "mine", "a", "modulo", ModuloDataset(), results)
    accuracy = [0.0, 0.1, 0.4, 0.6, 0.3]
    sources.__dict__["metrics"] = pd.DataFrame({"step": range(5), "validation_accuracy": accuracy})
    tables = read(sources, RetrainSettings(run="a", page={"goal": goal}))
    assert tables.own_step == own_step
    pd.testing.assert_frame_equal(tables.steps, steps_by_case(tables.trainings))
    pd.testing.assert_frame_equal(tables.trainings, steps_of_trainings(retrain_table(), goal))
    assert set(tables.files()) == {"curves", "trainings", "steps"}
    assert (tables.phases, tables.last_step) == (Phases(), 4)


def test_steps_are_counted_to_the_first_that_reaches_the_goal():
    found = steps_of_trainings(retrain_table(), goal=1.0)
    expected = [end for ends in ENDS.values() for end in ends]
    assert list(zip(found["steps"], found["reached"], strict=True)) == expected


def test_a_lower_goal_is_reached_earlier_and_may_be_lost_again():
    table = retrain_table()
    table.loc[(table["source"] == 100) & (table["step"] == 7), "validation_accuracy"] = 0.0
    found = steps_of_trainings(table, goal=0.5).set_index(["source", "transplanted", "seed"])
    assert found.loc[(100, TAKEN, 0)].tolist() == [5, True]
    assert found["reached"].sum() == 12  # all rise to 0.6 at least


def test_the_median_of_censored_times_on_a_worked_example():
    """S(10) = 4/5, S(20) = 3/5, S(40) = 3/5 * 1/2: at 30 one is lost from sight, at 50 another."""
    times = np.array([30.0, 10.0, 50.0, 20.0, 40.0])
    reached = np.array([False, True, False, True, True])
    assert median_time(times, reached) == 40
    # to leave the censored out, or to take them for events, would give another number
    assert np.median(times[reached]) == 20
    assert np.median(times) == 30


@pytest.mark.parametrize(
    ("times", "reached", "median"),
    [
        ([3, 1, 2], [True, True, True], 2),
        ([3, 1], [True, True], 1),  # the first time at which at most a half is left
        ([5, 5, 4], [False, False, True], None),
        ([5, 5], [False, False], None),
        ([5, 4, 3, 2, 1, 6], [True] * 6, 3),
    ],
)
def test_medians_of_small_cases(times, reached, median):
    found = median_time(np.array(times, dtype=float), np.array(reached))
    assert np.isnan(found) if median is None else found == median


def test_ends_that_are_censored_are_open():
    steps = steps_by_case(steps_of_trainings(retrain_table(), 1.0))
    steps = steps.set_index(["source", "transplanted"])
    assert steps.loc[(100, TAKEN)].tolist() == [3, 3, 15, 10, 20, 20]
    early = steps.loc[(50, TAKEN)]
    assert early[["trainings", "reached", "low", "longest"]].tolist() == [3, 1, 30, 40]
    assert early[["median", "high"]].isna().all()
    assert steps.loc[(-1, "nothing"), ["median", "low", "high"]].isna().all()


def test_a_training_that_ended_early_keeps_its_last_accuracy_in_the_mean():
    curves = mean_curves(retrain_table()).set_index(["source", "transplanted", "step"]).sort_index()
    assert len(curves) == len(ENDS) * 41
    late = curves.loc[(100, "c", 40)]
    assert late["validation_accuracy"] == pytest.approx((0.6 + 1.0 + 0.6) / 3)
    assert late[["validation_accuracy_low", "validation_accuracy_high"]].tolist() == [0.6, 1.0]
    assert (curves.loc[(100, TAKEN)].loc[20:, "validation_accuracy"] == 1).all()
    start = curves.loc[(100, "c", 0)]
    assert start[["train_accuracy", "validation_accuracy"]].tolist() == [0.5, 0.0]
