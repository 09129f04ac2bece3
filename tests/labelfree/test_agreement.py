"""Correlations against scipy's."""

import numpy as np
import pytest
from scipy.stats import pearsonr, spearmanr

from explaind.labelfree.agreement import correlation_by_sample, log_distance, pooled_correlation

BY_SCIPY = {"pearson": pearsonr, "spearman": spearmanr}


@pytest.mark.parametrize("kind", BY_SCIPY)
def test_correlations_are_those_of_scipy(kind):
    rng = np.random.default_rng(0)
    importance = rng.normal(size=(3, 5, 20)).round(1)  # with ties
    importance[1] += importance[0]
    statistic = BY_SCIPY[kind]
    pooled, each = pooled_correlation(importance, kind), correlation_by_sample(importance, kind)
    assert pooled.shape == (3, 3)
    assert each.shape == (5, 3, 3)
    for a, b in ((0, 1), (2, 0), (1, 2), (1, 1)):
        expected = statistic(importance[a].ravel(), importance[b].ravel()).statistic
        np.testing.assert_allclose(pooled[a, b], expected, rtol=1e-10)
        for sample in range(5):
            expected = statistic(importance[a, sample], importance[b, sample]).statistic
            np.testing.assert_allclose(each[sample, a, b], expected, rtol=1e-10, atol=1e-12)


def test_pooled_and_per_sample_are_two_questions():
    """L4: a shared background and a shared brightness agree, details do not."""
    details = np.array([[[1.0, -1, 0, 0]], [[-1.0, 1, 0, 0]]])
    bright = np.array([[0.0] * 4, [100.0] * 4])
    importance = details + bright[None]
    assert pooled_correlation(importance, "pearson")[0, 1] > 0.99
    np.testing.assert_allclose(correlation_by_sample(importance, "pearson")[:, 0, 1], -1)


def test_equal_importances_have_no_correlation():
    importance = np.array([[[1.0, 1, 1]], [[1.0, 2, 3]]])
    assert np.isnan(pooled_correlation(importance, "pearson")[0, 1])
    assert np.isnan(correlation_by_sample(importance, "spearman")[0, 0, 1])


def test_log_distances():
    scores = np.array([[4.0, 1.0, np.inf]])
    np.testing.assert_allclose(log_distance(scores), [[-np.log(2), 0, -np.log(2)]])
    with pytest.raises(ValueError, match="log_distance"):
        pooled_correlation(scores[None], "pearson")
    with pytest.raises(ValueError, match="above 0, got none"):
        log_distance(scores * np.inf)
