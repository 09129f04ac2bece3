"""Matrices with known frequencies are taken apart into them."""

import numpy as np
import pytest
from sklearn.linear_model import Lasso

from explaind.errors import ConfigError
from explaind.experiments.spectrum.waves import fourier_table, profile_of

ALPHA = 0.001


def planted(p, waves, rows, columns):
    """The sum of `a cos + b sin` over `frequency: (a, b)`, of the difference of the residues."""
    angle = 2 * np.pi * (columns[np.newaxis] - rows[:, np.newaxis]) / p
    return sum(a * np.cos(k * angle) + b * np.sin(k * angle) for k, (a, b) in waves.items())


@pytest.mark.parametrize(
    ("p", "waves"),
    [
        (53, {13: (0.4, 0.0), 17: (0.2, -0.1)}),
        (113, {14: (1.0, 0.0), 35: (0.5, 0.5), 41: (0.3, 0), 42: (0.3, 0), 52: (0.2, 0)}),
        (12, {6: (0.5, 0.0), 2: (0.0, 0.3)}),  # the wave of the half changes its sign
    ],
)
def test_planted_frequencies_are_found(p, waves):
    """E35: frequencies, not periods, each in its own place."""
    random = np.random.default_rng(0)
    rows, columns = random.integers(p, size=120), random.integers(p, size=150)
    values = 0.7 + planted(p, waves, rows, columns)
    profile = profile_of(values, rows, columns, p)
    table = fourier_table(profile, ALPHA).set_index("frequency")
    assert table.index.tolist() == list(range(1, p // 2 + 1))
    expected = {k: waves.get(k, (0.0, 0.0)) for k in table.index}
    np.testing.assert_allclose(table[["cosine", "sine"]], list(expected.values()), atol=1e-12)
    power = {k: (a**2 + b**2) * (1 if 2 * k == p else 0.5) for k, (a, b) in expected.items()}
    shares = np.array(list(power.values())) / sum(power.values())
    np.testing.assert_allclose(table["share"], shares, atol=1e-12)
    assert profile.explained == pytest.approx(1)
    for column, number in (("lasso_cosine", 0), ("lasso_sine", 1)):
        parts = np.array([pair[number] for pair in expected.values()])
        kept = table[column].to_numpy() != 0
        np.testing.assert_array_equal(kept, parts != 0)
        np.testing.assert_allclose(table[column], parts, atol=0.01)  # shrunk by the penalty


def test_the_lasso_is_that_of_all_pairs():
    random, p = np.random.default_rng(1), 7
    rows, columns = random.integers(p, size=20), random.integers(p, size=30)
    values = planted(p, {2: (0.3, 0.1)}, rows, columns) + random.standard_normal((20, 30))
    values[3, 4] = np.nan
    table = fourier_table(profile_of(values, rows, columns, p), 0.02, scale=2.0)
    difference = ((columns[np.newaxis] - rows[:, np.newaxis]) % p)[np.isfinite(values)]
    angles = 2 * np.pi * np.outer(difference, np.arange(1, 4)) / p
    dense = Lasso(0.02, tol=1e-10).fit(
        np.concatenate([np.cos(angles), np.sin(angles)], 1), values[np.isfinite(values)] / 2
    )
    found = table[["lasso_cosine", "lasso_sine"]].to_numpy().T.ravel()
    np.testing.assert_allclose(found, 2 * dense.coef_, atol=1e-3)
    assert 0 < np.count_nonzero(found) < 6


def test_what_is_no_wave_is_not_explained():
    random, p = np.random.default_rng(2), 5
    rows = np.repeat(np.arange(p), 20)
    noise = random.standard_normal((100, 100))
    wave = planted(p, {1: (np.sqrt(2), 0)}, rows, rows)
    assert profile_of(noise, rows, rows, p).explained < 0.01
    assert profile_of(wave + noise, rows, rows, p).explained == pytest.approx(0.5, abs=0.02)


def test_missing_differences_are_refused():
    with pytest.raises(ConfigError, match="all 5 differences modulo 5, got 3; raise samples"):
        profile_of(np.ones((2, 2)), np.array([0, 1]), np.array([0, 1]), 5)


@pytest.mark.parametrize("p", [11, 12])
def test_the_power_of_vectors_is_that_of_their_transform(p):
    vectors = np.random.default_rng(3).standard_normal((p, 6))
    numbers = np.arange(p)
    profile = profile_of(vectors @ vectors.T, numbers, numbers, p)
    table = fourier_table(profile, ALPHA, of_vectors=True)
    power = (np.abs(np.fft.fft(vectors, axis=0)) ** 2).sum(1)
    both = [power[k] + (power[p - k] if 2 * k != p else 0) for k in range(1, p // 2 + 1)]
    np.testing.assert_allclose(table["share"], np.array(both) / sum(both), rtol=1e-9)


def test_a_constant_has_no_waves():
    table = fourier_table(profile_of(np.ones((3, 3)), np.arange(3), np.arange(3), 3), ALPHA)
    assert table["share"].tolist() == table["lasso_share"].tolist() == [0]
