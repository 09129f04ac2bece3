"""Centred moving average."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explaind.report.tables.smoothing import moving_average


def test_hand_computed():
    smooth = moving_average(np.array([0.0, 3.0, 6.0, 0.0, 30.0]), 3)
    np.testing.assert_allclose(smooth, [0.0, 3.0, 3.0, 12.0, 30.0])


@given(st.integers(1, 40), st.integers(1, 25))
def test_straight_line_is_not_shifted(steps, window):
    line = 2.0 * np.arange(steps) - 5.0
    np.testing.assert_allclose(moving_average(line, window), line, atol=1e-12)


@pytest.mark.parametrize("window", [1, 2, 5, 8, 101])
def test_equals_slow_loop_over_raw_values(window):
    values = np.random.default_rng(0).standard_normal((30, 2))
    values[[4, 5, 17], 0] = np.nan
    expected = np.full_like(values, np.nan)
    for s in range(30):
        half = min(window // 2, s, 29 - s)
        for column in range(2):
            inside = values[s - half : s + half + 1, column]
            known = inside[~np.isnan(inside)]
            expected[s, column] = known.mean() if len(known) else np.nan
    np.testing.assert_allclose(moving_average(values, window), expected)


def test_refuses_empty_window():
    with pytest.raises(ValueError, match="window must be at least 1"):
        moving_average(np.ones(3), 0)
