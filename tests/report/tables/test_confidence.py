"""Intervals against those of scipy, and by hand."""

import numpy as np
import pytest
from scipy import stats

from explaind.report.tables.confidence import (
    bootstrap_interval,
    mean_and_margin,
    mean_interval,
    verdict,
    wilson_interval,
)


@pytest.mark.parametrize("level", [0.5, 0.95])
def test_interval_is_that_of_the_t_test(level):
    values = np.random.default_rng(0).normal(3, 2, (4, 5))
    mean, margin = mean_and_margin(values, level)
    expected = stats.ttest_1samp(values, 0, axis=-1).confidence_interval(level)
    np.testing.assert_allclose(mean - margin, expected.low)
    np.testing.assert_allclose(mean + margin, expected.high)


def test_any_number_of_repetitions_has_a_mean():
    found = mean_interval(np.array([1.0, 3.0]))
    assert found["mean"] == 2
    assert found["high"] == pytest.approx(2 + 12.7062, abs=1e-4)
    assert found["repetitions"] == 2
    alone = mean_interval(np.array([3.0]))
    assert alone["mean"] == 3
    assert np.isnan(alone["low"])
    assert np.isnan(alone["high"])


def test_by_hand():
    """t quantile of one degree of freedom is 12.706; standard error of (1, 3) is 1."""
    mean, margin = mean_and_margin(np.array([1.0, 3.0]))
    assert float(mean) == 2
    assert float(margin) == pytest.approx(12.7062, abs=1e-4)


@pytest.mark.parametrize("successes", [0, 3, 16, 20])
def test_interval_of_a_fraction_is_that_of_scipy(successes):
    low, high = wilson_interval(np.array([successes / 20]), np.array([20]))
    expected = stats.binomtest(successes, 20).proportion_ci(0.95, "wilson")
    assert (float(low[0]), float(high[0])) == pytest.approx((expected.low, expected.high))
    assert 0 <= low[0] < high[0] <= 1


def test_bootstrap_interval_leaves_out_a_fortieth_on_each_side():
    values = np.stack([np.arange(41.0), -np.arange(41.0)])
    low, high = bootstrap_interval(values)
    assert low.tolist() == pytest.approx([1, -39])
    assert high.tolist() == pytest.approx([39, -1])


@pytest.mark.parametrize(
    ("low", "high", "sign", "expected"),
    [
        (0.1, 0.3, 1, "better"),
        (-0.3, -0.1, 1, "worse"),
        (-0.3, -0.1, -1, "better"),
        (0.1, 0.3, -1, "worse"),
        (0.0, 0.2, 1, "no significant difference"),
        (0.0, 0.0, -1, "no significant difference"),
        (-0.1, 0.2, -1, "no significant difference"),
    ],
)
def test_verdict(low, high, sign, expected):
    assert verdict(low, high, sign) == expected
