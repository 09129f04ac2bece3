"""Clustering of languages: planted families are found, and random ones are not."""

import numpy as np
import pytest

from explaind.experiments.language_influence.clustering import (
    agreement,
    normalised,
    order_of,
    tree_of,
)

FAMILIES = ["a", "b", "c", "a", "b", "c", "a", "b", "c"]


def planted(seed=0):
    """Influence that is larger within a family, in units that differ by language."""
    generator = np.random.default_rng(seed)
    same = np.equal.outer(FAMILIES, FAMILIES)
    similar = np.where(same, 0.6, 0.1) + 0.05 * generator.random((9, 9))
    np.fill_diagonal(similar, 1)
    sizes = generator.uniform(0.5, 3, 9)
    return similar * np.sqrt(np.outer(sizes, sizes))


def test_normalised_influence_is_one_with_itself_and_has_no_direction():
    influence = np.array([[4.0, 1.0], [3.0, 9.0]])
    np.testing.assert_allclose(normalised(influence), [[1, 1 / 3], [1 / 3, 1]])
    assert np.isnan(normalised(-influence)).all()


def test_planted_families_are_found():
    similar = normalised(planted())
    found = agreement(similar, FAMILIES, 200)
    assert found.rand == 1
    assert found.p_value == pytest.approx(1 / 201)  # of 280 ways to divide them, one is as good
    assert found.cophenetic > 0.9
    order = [FAMILIES[k] for k in order_of(tree_of(similar))]
    assert order in ([*"aaabbbccc"], [*"aaacccbbb"], [*"bbbaaaccc"], [*"bbbcccaaa"]) or (
        order in ([*"cccaaabbb"], [*"cccbbbaaa"])
    )


def test_wrong_families_do_not_agree():
    wrong = ["a", "a", "a", "b", "b", "b", "c", "c", "c"]
    found = agreement(normalised(planted()), wrong, 200)
    assert found.rand < 0
    assert found.p_value > 0.5


def test_a_language_that_does_not_help_itself_stands_alone():
    influence = planted()
    influence[4, 4] = -1
    order = order_of(tree_of(normalised(influence))).tolist()
    assert sorted(order) == list(range(9))
