"""Outcomes of claims by intervals that are planted inside, outside and across bounds."""

import numpy as np
import pytest

from explaind.experiments.labelfree.outcomes import (
    ABSENT,
    FAILS,
    HOLDS,
    OPEN,
    Number,
    between,
    on_all,
    outcome,
    shown,
)


def interval(low, high):
    return {"mean": (low + high) / 2, "low": low, "high": high, "repetitions": 3}


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.4, 0.6, HOLDS),
        (0.2, 0.6, OPEN),  # reaches below
        (0.4, 0.8, OPEN),  # reaches above
        (0.2, 0.8, OPEN),
        (0.1, 0.3, FAILS),  # a bound itself is outside
        (0.7, 0.9, FAILS),
        (np.nan, np.nan, OPEN),  # of one training
    ],
)
def test_an_interval_is_inside_outside_or_across(low, high, expected):
    assert outcome([between("mine", interval(low, high), 0.3, 0.7)]) == expected


def test_one_bound_is_enough():
    assert outcome([between("mine", interval(5.0, 6.0), 1.0)]) == HOLDS
    assert outcome([between("mine", interval(5.0, 6.0), most=1.0)]) == FAILS


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        ([(0.4, 0.5)], HOLDS),
        ([(0.1, 0.2)], FAILS),
        ([(0.1, 0.5)], OPEN),
        ([(0.1, 0.5), (0.1, 0.2)], FAILS),
        ([(np.nan, np.nan), (0.1, 0.2)], OPEN),
    ],
)
def test_every_number_has_to_fulfil_the_rule(others, expected):
    numbers = [between("mine", interval(*ends), 0.3) for ends in [(0.5, 0.6), *others]]
    assert outcome(numbers) == expected


def test_numbers_for_comparison_are_not_judged():
    assert outcome([shown("chance", 0.1)]) == outcome([]) == ABSENT
    assert outcome([shown("chance", 0.1), between("mine", interval(1.0, 2.0), 0.5)]) == HOLDS


def test_the_rule_may_ask_of_another_number_than_the_one_shown():
    assert outcome([Number("best of some", 1.0, 0.9, 1.1, 3, -0.1, 0.0)]) == FAILS


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([HOLDS, HOLDS], HOLDS),
        ([HOLDS, ABSENT], HOLDS),
        ([HOLDS, OPEN], OPEN),
        ([HOLDS, OPEN, FAILS], FAILS),
        ([ABSENT], ABSENT),
        ([], ABSENT),
    ],
)
def test_a_claim_holds_if_it_does_on_every_dataset(found, expected):
    assert on_all(found) == expected
