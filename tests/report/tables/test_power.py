"""Power against simulated experiments."""

import numpy as np
import pytest
from scipy import stats

from explaind.report.tables.power import area_power, correlation_power

TRIALS = 2000


@pytest.mark.parametrize(("flipped", "correct", "sets"), [(4, 36, 2), (7, 57, 3), (12, 60, 1)])
def test_power_of_an_area_is_the_share_of_experiments_that_see_it(flipped, correct, sets):
    """Normal scores whose area is 0.75, tested by Mann and Whitney's variance without an effect."""
    random = np.random.default_rng(0)
    shift = np.sqrt(2) * stats.norm.ppf(0.75)
    positive = random.standard_normal((TRIALS, sets, flipped, 1)) + shift
    negative = random.standard_normal((TRIALS, sets, 1, correct))
    areas = (positive > negative).mean((2, 3)).mean(1)
    deviation = np.sqrt((flipped + correct + 1) / (12 * flipped * correct * sets))
    seen = (areas - 0.5 > 1.96 * deviation).mean()
    assert area_power(0.75, float(flipped), float(correct), sets) == pytest.approx(seen, abs=0.05)


@pytest.mark.parametrize("number", [6, 8, 12])
def test_power_of_a_correlation_is_the_share_of_experiments_that_see_it(number):
    random = np.random.default_rng(0)
    x, noise = random.standard_normal((2, TRIALS, number))
    y = 0.8 * x + 0.6 * noise
    x, y = (values - values.mean(1, keepdims=True) for values in (x, y))
    found = (x * y).sum(1) / np.sqrt((x**2).sum(1) * (y**2).sum(1))
    seen = (np.arctanh(found) * np.sqrt(number - 3) > 1.96).mean()
    assert correlation_power(0.8, number) == pytest.approx(seen, abs=0.06)


def test_more_samples_have_more_power_and_three_groups_have_none():
    assert area_power(0.75, 4.0, 36.0, 2) < area_power(0.75, 4.0, 36.0, 3)
    assert area_power(0.75, 4.0, 36.0, 3) < area_power(0.75, 20.0, 180.0, 3)
    assert correlation_power(0.8, 3) == 0
    assert correlation_power(0.8, 8) < 0.8 < correlation_power(0.8, 10)
