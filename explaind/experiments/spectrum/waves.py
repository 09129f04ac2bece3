"""Matrices between numbers modulo p as sums of waves over the difference of the numbers.

A matrix `K[i, j]` between samples of the residues `r_i` and `r_j` that only knows their difference
`d = (r_j - r_i) mod p` is a sum of `cos(2 pi k d / p)` and `sin(2 pi k d / p)` over the frequencies
`k = 1 ... p // 2` (not the periods `p / k`). Its mean over all pairs of a difference is the part of
any matrix that is of this form, the projection in the sense of least squares.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from sklearn.linear_model import Lasso

from explaind.errors import ConfigError


@dataclass(frozen=True)
class Profile:
    """A matrix averaged over the pairs of each difference.

    Attributes:
        means: mean of the pairs of every difference.
        pairs: their number.
        explained: share of the variance of the matrix that the means have.
    """

    means: Float[np.ndarray, " p"]
    pairs: Int[np.ndarray, " p"]
    explained: float


def profile_of(
    values: Float[np.ndarray, "row column"],
    rows: Int[np.ndarray, " row"],
    columns: Int[np.ndarray, " column"],
    p: int,
) -> Profile:
    """Average a matrix over the pairs of each difference modulo p.

    Args:
        values: the matrix; NaN does not count.
        rows: residue of every row.
        columns: residue of every column.
        p: the modulus.

    Returns:
        The averages.

    Raises:
        ConfigError: if there is no pair of some difference.
    """
    known = np.isfinite(values)
    difference = np.subtract.outer(-rows, -columns)[known] % p
    pairs = np.bincount(difference, minlength=p)
    if not pairs.all():
        raise ConfigError(
            f"similarity: expected pairs of samples of all {p} differences modulo {p}, got"
            f" {np.count_nonzero(pairs)}; raise samples or train_samples of that experiment"
        )
    means = np.bincount(difference, values[known], p) / pairs
    variance = float(values[known].var())
    between = float(np.average((means - values[known].mean()) ** 2, weights=pairs))
    return Profile(means, pairs, between / variance if variance else np.nan)


def fourier_table(
    profile: Profile, alpha: float, scale: float = 1.0, *, of_vectors: bool = False
) -> pd.DataFrame:
    """Decompose a profile into waves, by projection and by the Lasso.

    The projection is the discrete Fourier transform, exact. The Lasso is that over all pairs of the
    matrix, which only depends on the means and numbers of the pairs of each difference.

    Args:
        profile: the profile.
        alpha: penalty of the Lasso.
        scale: what the values are divided by for the Lasso, whose penalty has their unit.
        of_vectors: whether the power meant is that of the vectors, of which the matrix has all
            inner products, and not that of the matrix: the amplitude of a wave of the matrix is
            the power of that wave of the vectors (Wiener, Khinchin).

    Returns:
        One row per `frequency`: the coefficients `cosine` and `sine` and their `share` of the power
        of all frequencies; the same of the Lasso, `lasso_cosine` and `lasso_sine` (scaled back) and
        `lasso_share`; and `explained` of the profile.
    """
    p = len(profile.means)
    frequencies, difference = np.arange(1, p // 2 + 1), np.arange(p)
    amplitudes = 2 * np.fft.rfft(profile.means)[1:] / p
    if p % 2 == 0:  # the last wave changes its sign at every number: it has no sine
        amplitudes[-1] /= 2
    angles = 2 * np.pi * np.outer(difference, frequencies) / p
    waves = np.concatenate([np.cos(angles), np.sin(angles)], axis=1)
    coefficients = np.stack([amplitudes.real, -amplitudes.imag])
    lasso = Lasso(alpha).fit(waves, profile.means / scale, sample_weight=profile.pairs)
    found = scale * lasso.coef_.reshape(2, -1)
    squares = (waves**2).mean(0).reshape(2, -1)  # 1/2, or 1 of the last cosine of an even p
    return pd.DataFrame(
        {
            "frequency": frequencies,
            "cosine": coefficients[0],
            "sine": coefficients[1],
            "share": _shares(coefficients, squares, of_vectors),
            "lasso_cosine": found[0],
            "lasso_sine": found[1],
            "lasso_share": _shares(found, squares, of_vectors),
            "explained": profile.explained,
        }
    )


def _shares(
    coefficients: Float[np.ndarray, "2 frequency"],
    squares: Float[np.ndarray, "2 frequency"],
    of_vectors: bool,
) -> Float[np.ndarray, " frequency"]:
    """Share of the power of every frequency; all 0 where nothing has any."""
    power = np.hypot(*coefficients) if of_vectors else (coefficients**2 * squares).sum(0)
    shares: np.ndarray = power / (power.sum() or 1.0)
    return shares
