"""Memorisation and generalisation steps."""

import numpy as np
import pandas as pd
import pytest

from explaind.report.tables.phases import Phases, find_phases, has_accuracy


def metrics(train, validation):
    return pd.DataFrame(
        {
            "step": 10 * np.arange(len(train)),
            "train_accuracy": train,
            "validation_accuracy": validation,
        }
    )


def find(train, validation=(), hold=3):
    return find_phases(metrics(train, validation or train), threshold=0.9, hold=hold)


def test_each_split_has_its_step():
    found = find([0.1, 0.9, 1.0, 0.9, 1.0, 1.0], [0.0, 0.0, 0.0, 0.89, 0.91, 0.9])
    assert found == Phases(memorisation=10, generalisation=40)


def test_touching_the_threshold_is_not_reaching_it():
    assert find([0.0, 1.0, 1.0, 0.5, 1.0, 1.0, 1.0, 0.0]).memorisation == 40


def test_a_later_stumble_does_not_undo_it():
    assert find([0.0, 1.0, 1.0, 1.0, 0.2, 0.3, 1.0, 1.0, 1.0]).memorisation == 10


def test_a_stretch_may_be_cut_off_by_the_end():
    assert find([0.0, 1.0, 0.0, 0.0, 1.0]).memorisation == 40


def test_not_reached_is_none():
    assert find([1.0, 1.0, 0.8], [0.1, 0.2, 0.3]) == Phases(None, None)


def test_reached_from_the_start():
    assert find([1.0, 0.9]) == Phases(0, 0)


@pytest.mark.parametrize(
    ("accuracy", "expected"), [([1.0, np.nan, 1.0], 20), ([1.0, 1.0, np.nan], None)]
)
def test_missing_accuracy_counts_as_not_reached(accuracy, expected):
    assert find(accuracy).memorisation == expected


def test_default_threshold_is_strict():
    table = metrics(np.repeat([0.97, 0.98, 0.97], 200), np.full(600, 0.979))
    assert find_phases(table) == Phases(memorisation=2000, generalisation=None)


@pytest.mark.parametrize("column", ["train_accuracy", "validation_accuracy"])
def test_without_accuracy_there_are_no_phases(column):
    table = metrics([1.0, 1.0], [1.0, 1.0])
    assert has_accuracy(table)
    assert not has_accuracy(table.drop(columns=column))
    assert find_phases(table.drop(columns=column)) == Phases(None, None)
