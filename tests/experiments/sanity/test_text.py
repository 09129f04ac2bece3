"""The answers of the sanity checks in words."""

import pytest

from explaind.experiments.label_noise.tables import (
    auc_comparison,
    auc_means,
    detection_aucs,
    resampled_curves,
)
from explaind.experiments.leave_group_out.tables import group_correlations, group_means
from explaind.experiments.sanity.text import (
    correlation_rows,
    failures,
    noise_answer,
    noise_size,
    removal_answer,
    retraining_rows,
)
from tests.experiments.sanity.measured import noise_table, removal_table


def answer_on_noise(**separation):
    table = noise_table(**separation)
    aucs, resampled = detection_aucs(table), resampled_curves(table)
    comparison = auc_comparison(aucs, resampled)
    return noise_answer(auc_means(aucs, resampled), comparison, noise_size(table))


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
    assert "Over 12 groups" in text
    for part in expected:
        assert part in text


def test_size_counts_the_labels_of_each_set():
    table = noise_table(samples=20)
    assert noise_size(table) == "3 sets of 4 flipped and 16 correct labels"
    fewer = table[~(table["flipped"] & (table["seed"] == 2)) | (table.index > 0)]
    assert noise_size(fewer) == "3 sets of 3 to 4 flipped and 16 correct labels"


def test_correlations_of_too_few_groups_are_not_shown():
    rows = correlation_rows(group_correlations(removal_table()))
    assert [row[0] for row in rows][-1] == "Correlation, random groups"
    assert rows[-1][1:] == ("not shown", "6 groups are too few")
    assert rows[0][1] == "1 (0.99 to 1)"


def test_every_retraining_is_listed_with_its_accuracies():
    means = group_means(removal_table(noise=0, failed=[("top", 0.1)]))
    rows = retraining_rows(means)
    assert rows[0] == ("Nothing", "0", "0", "95 %", "95 %", "learned")
    minus = "\N{MINUS SIGN}0.345"
    assert rows[1] == ("Most helpful 10 %", minus, minus, "60 %", "60 %", "failed")
    assert len(rows) == 13
    assert failures(means).startswith("1 of 13 retrainings failed")
    assert failures(group_means(removal_table())).startswith("None of 13 retrainings failed")
