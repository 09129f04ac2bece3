"""The validation numbers in plain words."""

import numpy as np
import pandas as pd
import pytest

from explaind.report.statistics import (
    cancellation_rows,
    completeness_rows,
    learning_facts,
    statistics_rows,
)
from explaind.report.tables.cancellation import ALL, OTHER, SAME
from tests.report.synthetic import SyntheticRun, metrics


def test_rounding_stands_beside_the_residual_it_is_part_of():
    table = pd.DataFrame(
        {
            "residual": [0.5, -4.0, 1.0],
            "rounding": [-0.25, 0.125, 2e-6],
            "residual_share": [0.01, 0.02, 0.5],
        }
    )
    rows = {name: value for name, value, _ in completeness_rows(table, "nat")}
    assert rows == {
        "Residual, median sample": "1 nat",
        "Residual, worst sample": "4 nat",
        "Of which rounding, median sample": "0.125 nat",
        "Of which rounding, worst sample": "0.25 nat",
        "Relative residual, median sample": "2 %",
        "Relative residual, worst sample": "50 %",
    }


def test_errors_are_in_the_unit_of_the_outputs_and_the_divergence_in_nat():
    numbers = {
        **dict.fromkeys(("model_accuracy", "reformulated_accuracy", "argmax_agreement"), 1.0),
        **dict.fromkeys(("absolute_error_mean", "absolute_error_max", "error_std"), 0.5),
        "kl_mean_per_sample": 0.25,
        "probability_sum_min": 0.98,
        "probability_sum_max": 1.0,
    }
    rows = {
        unit: {name: value for name, value, _ in statistics_rows({**numbers, "unit": unit})}
        for unit in ("nat", "1")
    }
    assert rows["nat"]["Largest absolute error"] == "0.5 nat"
    assert rows["1"]["Largest absolute error"] == "0.5"
    assert rows["1"]["KL divergence"] == "0.25 nat"
    assert rows["1"]["Sums of probabilities"] == "0.98 to 1"


def test_gross_stands_beside_net():
    whole = pd.DataFrame(
        {
            "classes": [SAME, OTHER, ALL],
            "raised": [30.0, 5.0, 35.0],
            "lowered": [-10.0, -20.0, -30.0],
            "net": [20.0, -15.0, 5.0],
            "gross": [40.0, 25.0, 65.0],
        }
    )
    rows = cancellation_rows(whole, {SAME: "same sum", OTHER: "other sums", ALL: "all"}, "nat")
    minus = "\N{MINUS SIGN}"
    assert rows[1] == (
        "Training data, other sums",
        f"{minus}15 nat",
        f"+5 nat and {minus}20 nat, 25 nat in absolute value",
    )


@pytest.mark.parametrize(("steps", "phases"), [(400, 2), (80, 0)])
def test_phases_are_facts_where_they_mean_something(steps, phases):
    table = metrics(SyntheticRun(steps=steps), np.random.default_rng(0))
    labels = [fact.label for fact in learning_facts(table)]
    assert labels[0] == "Training steps"
    assert labels[-1] == "Final validation accuracy"
    assert labels[1:-1] == ["Memorised at step", "Generalised at step"][:phases]
