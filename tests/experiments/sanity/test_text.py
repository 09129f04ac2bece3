"""The answers of the sanity checks in words."""

import pytest

from explaind.experiments.label_noise.tables import auc_comparison, auc_means, detection_aucs
from explaind.experiments.leave_group_out.tables import group_correlations, group_means
from explaind.experiments.sanity.text import extreme_rows, noise_answer, removal_answer
from tests.experiments.sanity.measured import SEEDS, noise_table, removal_table


def answer_on_noise(**separation):
    aucs = detection_aucs(noise_table(**separation))
    return noise_answer(auc_means(aucs), auc_comparison(aucs), len(SEEDS))


@pytest.mark.parametrize(
    ("separation", "expected"),
    [
        ({"self_influence": 3}, "Self-influence finds flipped labels better than chance</strong>"),
        ({"self_influence": 3}, "it is better than the loss"),
        ({"loss": 3}, "it is worse than the loss"),
        ({"self_influence": 0}, "Self-influence is not significantly different from chance"),
        ({"held_out_influence": 2}, "held-out data finds flipped labels worse than chance"),
    ],
)
def test_answer_on_flipped_labels_follows_from_the_numbers(separation, expected):
    assert expected in answer_on_noise(**separation)


@pytest.mark.parametrize(
    ("slope", "expected"),
    [
        (1, ["Where influence predicts more", "about as much as predicted"]),
        (5, ["Where influence predicts more", "more than predicted."]),
        (0.2, ["Where influence predicts more", "less than predicted."]),
        (-1, ["runs against the prediction", "not what was predicted"]),
        (0, ["No relation between the predicted and the actual change of the mean"]),
    ],
)
def test_answer_on_removals_follows_from_the_numbers(slope, expected):
    table = removal_table(slope)
    text = removal_answer(group_correlations(table), group_means(table))
    assert "Over 8 groups" in text
    for part in expected:
        assert part in text


def test_rows_name_the_extreme_groups():
    rows = extreme_rows(group_means(removal_table(noise=0)))
    assert [row[0] for row in rows[:2]] == [
        "Without the most helpful 10 %",
        "Without the most harmful 10 %",
    ]
    assert rows[0][1:] == ("\N{MINUS SIGN}0.345 nat", "\N{MINUS SIGN}0.345 nat predicted")
