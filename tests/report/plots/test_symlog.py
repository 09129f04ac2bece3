"""The scale for values of both signs."""

import numpy as np
import pytest

from explaind.report.plots.symlog import Symlog


def test_scale_is_odd_monotonic_linear_around_zero_and_logarithmic_beyond():
    scale, values = Symlog(-1, 2), np.linspace(-500, 500, 2001)
    placed = scale(values)
    assert (np.diff(placed) > 0).all()
    np.testing.assert_allclose(placed, -placed[::-1])
    small = np.array([1e-6, 2e-6])
    np.testing.assert_allclose(scale(small), small * 10 / np.log(10), rtol=1e-4)
    assert scale(np.array([1e6]))[0] - scale(np.array([1e5]))[0] == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([-30.0, 0.0, 0.2, 5.0, 8.0, 9.0, 9.0, 9.0, 9.0, 9.0, 9.0, 9.0], Symlog(0, 1)),
        ([-1e-9, 2e-9, 700.0], Symlog(0, 2)),  # at most three powers
        ([0.02, -0.03], Symlog(-2, -2)),
        ([0.0, 0.0], Symlog(0, 0)),
    ],
)
def test_scale_fits_the_values(values, expected):
    assert Symlog.of(np.array(values)) == expected


def test_ticks_stand_where_their_values_lie():
    ticks = Symlog(-1, 1).ticks()
    minus = "\N{MINUS SIGN}"
    assert ticks["ticktext"] == [f"{minus}10", f"{minus}1", "", "0", "", "1", "10"]
    expected = Symlog(-1, 1)(np.array([-10, -1, -0.1, 0, 0.1, 1, 10]))
    np.testing.assert_allclose(ticks["tickvals"], expected)
