"""Memorisation and generalisation steps."""

import numpy as np
import pandas as pd
import pytest

from explaind.report.tables.phases import Phases, find_phases


def metrics(train, validation, mini_batches=False):
    table = pd.DataFrame(
        {
            "step": 10 * np.arange(len(train)),
            "train_accuracy": train,
            "validation_accuracy": validation,
        }
    )
    table.attrs["mini_batches"] = mini_batches
    return table


NEVER = (0.0,) * 20


def find(train, validation=NEVER, hold=3):
    table = metrics(train, list(validation)[: len(train)])
    return find_phases(table, threshold=0.9, hold=hold)


def test_each_split_has_its_step():
    found = find([0.1, 0.9, 1.0, 0.9, 1.0, 1.0], [0.0, 0.0, 0.0, 0.89, 0.91, 0.9])
    assert found == Phases(memorisation=10, generalisation=40)


def test_touching_the_threshold_is_not_reaching_it():
    assert find([0.0, 1.0, 1.0, 0.5, 1.0, 1.0, 1.0, 0.0]).memorisation == 40


def test_a_later_stumble_does_not_undo_it():
    assert find([0.0, 1.0, 1.0, 1.0, 0.2, 0.3, 1.0, 1.0, 1.0]).memorisation == 10


def test_only_validation_accuracy_may_be_held_to_the_end():
    """A training may stop as soon as it generalises."""
    assert find([1.0] * 5, [0.0, 0.0, 0.0, 0.0, 1.0]) == Phases(0, 40)
    assert find([0.0, 0.0, 0.0, 1.0, 1.0]) == Phases()


@pytest.mark.parametrize(
    ("validation", "expected"),
    [
        ([0.0, 0.0, 0.0, 1.0, 1.0, 1.0], Phases(0, 30)),
        ([0.0, 0.0, 1.0, 1.0, 1.0, 1.0], Phases()),  # as soon as memorising can be seen
        ([1.0, 1.0, 1.0, 1.0, 1.0, 1.0], Phases()),
        ([0.0, 0.0, 0.0, 0.0, 1.0, 0.0], Phases(0, None)),
    ],
)
def test_who_learns_both_at_once_has_no_phases(validation, expected):
    assert find([1.0] * 6, validation) == expected


def test_without_memorising_there_is_nothing_to_tell_apart():
    assert find([1.0, 1.0, 0.8], [0.1, 0.2, 1.0]) == Phases(None, None)


def test_the_accuracy_of_a_batch_says_nothing_of_all_training_samples():
    reached = ([1.0] * 6, [0.0] * 6)
    assert find_phases(metrics(*reached), hold=3).memorisation == 0
    assert find_phases(metrics(*reached, mini_batches=True), hold=3) == Phases()


def test_missing_accuracy_counts_as_not_reached():
    assert find([1.0, np.nan, 1.0, 1.0, 1.0]).memorisation == 20


def test_default_threshold_is_strict():
    table = metrics(np.repeat([0.97, 0.98, 0.97], 200), np.full(600, 0.979))
    assert find_phases(table) == Phases(memorisation=2000, generalisation=None)


@pytest.mark.parametrize("column", ["train_accuracy", "validation_accuracy"])
def test_without_accuracy_there_are_no_phases(column):
    table = metrics([1.0] * 200, [0.0] * 200)
    assert find_phases(table).memorisation == 0
    assert find_phases(table.drop(columns=column)) == Phases(None, None)
