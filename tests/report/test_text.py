"""Numbers as text."""

import math

import pytest

from explaind.report.text import (
    axis_title,
    duration,
    measured,
    number,
    percent,
    power_of_ten,
    signed,
    step,
    words,
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.0, "0"),
        (1234.5, "1,234"),
        (12.345, "12.3"),
        (-0.01234, "\N{MINUS SIGN}0.0123"),
        (2.345e-5, "2.35 \N{MULTIPLICATION SIGN} 10⁻⁵"),
        (-6e12, "\N{MINUS SIGN}6.00 \N{MULTIPLICATION SIGN} 10¹²"),
        (math.nan, "n/a"),
        (math.inf, "n/a"),
        (None, "n/a"),
    ],
)
def test_number(value, expected):
    assert number(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"), [(1.5, "+1.5"), (-1.5, "\N{MINUS SIGN}1.5"), (math.nan, "n/a")]
)
def test_signed(value, expected):
    assert signed(value) == expected


@pytest.mark.parametrize(
    ("share", "expected"),
    [
        (1.0, "100 %"),
        (0.0, "0 %"),
        (0.98765, "98.77 %"),
        (2e-6, "2.0 \N{MULTIPLICATION SIGN} 10⁻⁴ %"),
        (math.nan, "n/a"),
    ],
)
def test_percent(share, expected):
    assert percent(share) == expected


def test_pure_numbers_have_no_unit():
    assert measured("4", "nat") == "4 nat"
    assert measured("4", "1") == "4"
    assert (
        axis_title("change", "nat", "per step", "+ = raised") == "change (nat per step, + = raised)"
    )
    assert axis_title("change", "1", "per step", "+ = raised") == "change (per step, + = raised)"
    assert axis_title("size", "m", "", "log scale") == "size (m, log scale)"
    assert axis_title("true logit", "1") == "true logit"


def test_names_of_the_stores_are_words_on_a_page():
    assert words("gradient_step") == "gradient step"


def test_step():
    assert step(1200) == "1,200"
    assert step(None) == "not reached"


@pytest.mark.parametrize(
    ("power", "expected"), [(0, "1"), (-3, "0.001"), (3, "1,000"), (-7, "10⁻⁷"), (12, "10¹²")]
)
def test_power_of_ten(power, expected):
    assert power_of_ten(power) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0.04, "0.0 s"),
        (9.94, "9.9 s"),
        (12.4, "12 s"),
        (59.6, "1 min 0 s"),
        (754.0, "12 min 34 s"),
        (7261.0, "2 h 1 min"),
    ],
)
def test_duration(seconds, expected):
    assert duration(seconds) == expected
