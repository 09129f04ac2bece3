"""What similar samples take, worked out by hand."""

from dataclasses import asdict

import pytest

from explaind.config.load import load_config
from explaind.experiments.similarity.settings import SimilaritySettings
from explaind.experiments.similarity.sizes import (
    interval_count,
    needed_bytes,
    planned_bytes,
    stored_bytes,
)
from explaind.kernel.trajectory.intervals import interval_bounds
from tests.config.sections import DEFAULT
from tests.plan.sizes import SIZES

SETTINGS = SimilaritySettings(run="r", samples=3, train_samples=1, intervals=2, block=3)


@pytest.mark.parametrize(
    ("keys", "bounds"),
    [
        ({"every": 20}, [0, 20, 40, 60]),
        ({"every": 25, "intervals": 7}, [0, 20, 40, 60]),
        ({"every": 100}, [0, 60]),
        ({"intervals": 2}, [0, 30, 60]),
    ],
)
def test_steps_of_an_interval_replace_the_number_of_intervals(keys, bounds):
    count = interval_count(SimilaritySettings(run="r", **keys), 60)
    assert interval_bounds(60, count).tolist() == bounds


def test_there_is_no_interval_without_a_step():
    assert interval_count(SETTINGS, 1) == 1


def test_bytes_are_those_worked_out_by_hand():
    # 2 functionals, 2 tensors, the run and its 2 intervals, 4 x 4 pairs of 4 bytes
    assert stored_bytes(SETTINGS, 60, 2) == 2 * 2 * 3 * 16 * 4 == 768
    # 2 sums of 4 samples, 4 gradients of 3 of them, of 2 functionals and 10 numbers of 4 bytes
    assert needed_bytes(SETTINGS, 60, 2, 10, 4) == (2 * 4 + 4 * 3) * 2 * 10 * 4 + 2 * 768 == 3136


def test_the_plan_of_a_run_has_every_experiment_on_it():
    two = {"kind": "similarity", "run": "grokking", "samples": 5, "every": 100}
    config = load_config(DEFAULT, {"experiments": {"two": two}})
    found = planned_bytes(config, "grokking", asdict(SIZES) | {"parameters": SIZES.parameters})
    assert set(found) == {"similarity", "two"}
    memory, disk = found["two"]
    assert disk == 2 * 10 * 11 * (5 + 48) ** 2 * 4  # 10 layers, the run and 1,000 / 100 intervals
    assert memory == 2 * disk + (2 * 53 + 4 * 32) * 2 * SIZES.parameters * 4
    assert planned_bytes(config, "digits", asdict(SIZES) | {"parameters": 1}) == {}
