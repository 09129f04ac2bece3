"""Resampled ROC curves: their areas against DeLong's variance and a count of pairs."""

from itertools import product

import numpy as np
import pytest

from explaind.experiments.label_noise.resampling import Scored, resample_roc

RATES = np.array([0.0, 0.25, 1.0])


def scored(seed, flipped=30, correct=90, shift=1.0, levels=None):
    """Normal scores; rounded to so many levels there are ties."""
    random = np.random.default_rng(seed)
    is_flipped = np.arange(flipped + correct) < flipped
    values = random.standard_normal(len(is_flipped)) + shift * is_flipped
    return Scored(is_flipped, values if levels is None else np.round(values * levels) / levels)


def placements(found):
    """Share of the other class that every sample beats, ties half (DeLong et al., 1988)."""
    a, b = found.suspicion[found.flipped], found.suspicion[~found.flipped]
    wins = (a[:, None] > b) + 0.5 * (a[:, None] == b)
    return wins.mean(1), wins.mean(0)


@pytest.mark.parametrize("levels", [None, 1])
def test_areas_vary_as_delong_says_about_the_area_of_all(levels):
    found = scored(3, levels=levels)
    areas = resample_roc([found], RATES).areas
    positive, negative = placements(found)
    deviation = np.sqrt(positive.var() / len(positive) + negative.var() / len(negative))
    assert areas.mean() == pytest.approx(positive.mean(), abs=4 * deviation / len(areas) ** 0.5)
    assert areas.std() == pytest.approx(deviation, rel=0.1)


def test_intervals_cover_the_true_area():
    """Several sets, each of other samples: 95 % intervals hold the true area of 0.76."""
    true = 0.7602  # Phi(1 / sqrt 2)
    covered = 0
    for trial in range(25):
        areas = resample_roc([scored((trial, k), 15, 45) for k in range(3)], RATES).areas
        low, high = np.quantile(areas, [0.025, 0.975])
        covered += low < true < high
    assert covered >= 21


def test_two_scores_are_resampled_alike():
    sets = [scored(seed) for seed in (1, 2)]
    twice = [Scored(one.flipped, 3 * one.suspicion + 1) for one in sets]
    first, second = resample_roc(sets, RATES), resample_roc(twice, RATES)
    np.testing.assert_array_equal(first.areas, second.areas)


def test_differences_between_the_sets_are_in_it():
    """Sets with all and with no flipped samples first; half, nothing or all of both are drawn."""
    flipped = np.array([True, True, False, False])
    best, worst = Scored(flipped, 1.0 * flipped), Scored(flipped, -1.0 * flipped)
    found = resample_roc([best, worst], RATES)
    assert set(found.areas) == {0.0, 0.5, 1.0}
    assert (found.areas == 0.5).mean() == pytest.approx(0.5, abs=0.07)
    assert found.rates[:, -1].tolist() == [1.0] * len(found.rates)


def test_areas_of_a_resample_are_the_share_of_pairs():
    """Two samples of each class: drawn are both, or one twice; the pairs can be counted."""
    found = Scored(np.array([True, True, False, False]), np.array([3.0, 1.0, 2.0, 1.0]))
    wins = np.array([[1.0, 1.0], [0.0, 0.5]])
    counts = [(2, 0), (1, 1), (0, 2)]
    possible = {float(np.array(a) @ wins @ np.array(b)) / 4 for a, b in product(counts, counts)}
    assert set(resample_roc([found], RATES).areas) == possible
