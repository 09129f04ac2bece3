"""The answer of the pruning experiment in words."""

import pytest

from explaind.experiments.pruning.tables import pruning_comparison
from explaind.experiments.pruning.text import answer, comparison_rows
from tests.experiments.pruning.measured import SEEDS, experiment_table


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        ({"influence": 0.9}, "Here it is: it is never worse"),
        ({"influence": 0.2}, "Here it is not: it is never better"),
        ({"magnitude": 0.9, "Taylor": 0.2}, "depends on the grid, the metric and the other method"),
    ],
)
def test_the_answer_follows_from_the_numbers(levels, expected):
    text = answer(pruning_comparison(experiment_table(**levels)), len(SEEDS))
    assert expected in text
    assert "better than random pruning in 6 of 6" in text
    assert '<a href="https://arxiv.org/abs/2505.20076" title="ExPLAIND: ' in text


def test_the_answer_without_any_difference():
    comparison = pruning_comparison(experiment_table()).assign(verdict="no significant difference")
    text = answer(comparison, len(SEEDS))
    assert "no difference is larger than its uncertainty" in text
    assert "worse in 0 and there is no significant difference in 12" in text


def test_rows_name_both_means():
    comparison = pruning_comparison(experiment_table(influence=0.9))
    rows = comparison_rows(comparison)
    assert len(rows) == 2 * 3 * 3
    name, difference, meaning = rows[0]
    assert name == "Coarse grid, accuracy, against magnitude"
    assert difference.startswith("+0.")
    assert meaning.startswith("better (0.9")
