"""Rates by hand, at their limits, and with ties."""

import numpy as np
import pytest

from explaind.labelfree.similarity_rate import limits, same_labels, similarity_rate

FRACTIONS = (0.2, 0.5, 1.0)
TRAIN, TEST = np.array([0, 1, 0, 1, 1, 1, 2, 1, 1, 1]), np.array([0, 1])
SAME = same_labels(TEST, TRAIN)


def test_rates_are_counted():
    scores = np.array([[9, 8, 7, 6, 5, 4, 3, 2, 1, 0.0]] * 2)
    most = similarity_rate(scores, SAME, FRACTIONS)
    np.testing.assert_allclose(most, [[1 / 2, 2 / 5, 1 / 5], [1 / 2, 3 / 5, 7 / 10]])
    least = similarity_rate(scores, SAME, FRACTIONS, largest=False)
    np.testing.assert_allclose(least, [[0, 0, 1 / 5], [1, 4 / 5, 7 / 10]])


def test_the_single_most_important_sample_is_that_of_class_detection():
    """The identical class test (Hanawa et al., 2021), quanda's class detection."""
    rng = np.random.default_rng(1)
    train, test = rng.integers(0, 4, 50), rng.integers(0, 4, 300)
    scores = rng.random((300, 50)) + 0.03 * (train == test[:, None])
    found = similarity_rate(scores, same_labels(test, train), (1 / 50,))
    assert found.mean() == np.mean(train[scores.argmax(1)] == test)
    assert 0.3 < found.mean() < 0.9


def test_ties_are_left_to_chance():
    rng = np.random.default_rng(0)
    scores = rng.integers(0, 3, (2, 10)).astype(float)
    found = similarity_rate(scores, SAME, (0.3,))
    drawn = [
        similarity_rate(scores + 1e-6 * rng.random((2, 10)), SAME, (0.3,)) for _ in range(4000)
    ]
    np.testing.assert_allclose(found, np.mean(drawn, 0), atol=0.02)
    equal = similarity_rate(np.zeros((2, 10)), SAME, FRACTIONS)
    np.testing.assert_allclose(equal, np.repeat(SAME.mean(1)[:, None], 3, 1))


def test_everything_selected_is_the_share_of_the_class_exactly():
    scores = np.random.default_rng(0).random((2, 10))
    for largest in (True, False):
        rates = similarity_rate(scores, SAME, (1.0,), largest=largest)[:, 0]
        assert (rates == SAME.mean(1)).all()


def test_perfect_scores_meet_the_ceiling_and_the_floor():
    ceiling, floor = limits(SAME, FRACTIONS)
    scores = SAME + 0.5 * np.random.default_rng(0).random(SAME.shape)
    np.testing.assert_allclose(similarity_rate(scores, SAME, FRACTIONS), ceiling)
    np.testing.assert_allclose(similarity_rate(scores, SAME, FRACTIONS, largest=False), floor)
    np.testing.assert_allclose(ceiling[0], [1, 2 / 5, 1 / 5])
    assert (similarity_rate(-scores, SAME, FRACTIONS) <= ceiling).all()


def test_infinite_scores_come_first_and_nan_is_refused():
    scores = np.zeros((2, 10))
    scores[:, 6] = np.inf
    assert similarity_rate(scores, SAME, (0.1,)).tolist() == [[0], [0]]
    with pytest.raises(ValueError, match="got NaN"):
        similarity_rate(scores * np.nan, SAME, (0.1,))
    with pytest.raises(ValueError, match=r"one of 10 training samples at least, got 0\.01"):
        similarity_rate(scores, SAME, (0.5, 0.01))
