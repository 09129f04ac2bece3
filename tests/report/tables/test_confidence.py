"""Intervals over repetitions, against scipy's test."""

import numpy as np
import pytest
from scipy import stats

from explaind.report.tables.confidence import mean_and_margin, verdict


@pytest.mark.parametrize("level", [0.5, 0.95])
def test_interval_is_that_of_the_t_test(level):
    values = np.random.default_rng(0).normal(3, 2, (4, 5))
    mean, margin = mean_and_margin(values, level)
    expected = stats.ttest_1samp(values, 0, axis=-1).confidence_interval(level)
    np.testing.assert_allclose(mean - margin, expected.low)
    np.testing.assert_allclose(mean + margin, expected.high)


def test_by_hand():
    """t quantile of one degree of freedom is 12.706; standard error of (1, 3) is 1."""
    mean, margin = mean_and_margin(np.array([1.0, 3.0]))
    assert float(mean) == 2
    assert float(margin) == pytest.approx(12.7062, abs=1e-4)


@pytest.mark.parametrize(
    ("difference", "margin", "sign", "expected"),
    [
        (0.2, 0.1, 1, "better"),
        (-0.2, 0.1, 1, "worse"),
        (-0.2, 0.1, -1, "better"),
        (0.2, 0.1, -1, "worse"),
        (0.1, 0.1, 1, "no significant difference"),
        (0.0, 0.0, -1, "no significant difference"),
    ],
)
def test_verdict(difference, margin, sign, expected):
    assert verdict(difference, margin, sign) == expected
