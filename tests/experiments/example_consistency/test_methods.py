"""What is said of the rankings of a method."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from explaind.experiments.example_consistency.methods import rank_correlation


def test_rankings_that_are_alike_correlate():
    scores = np.random.default_rng(0).normal(size=(4, 9))
    own = np.exp(scores[:1]) * np.array([[1.0], [2.0], [5.0]])  # other sizes, the same order
    assert rank_correlation(own) == pytest.approx(1)
    assert rank_correlation(np.concatenate([own[:1], -own[:1]])) == pytest.approx(-1)
    pairs = [spearmanr(scores[i], scores[j])[0] for i in range(4) for j in range(i)]
    assert rank_correlation(scores) == pytest.approx(np.mean(pairs))
    assert np.isnan(rank_correlation(scores[:1]))
