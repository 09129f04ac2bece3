"""Hierarchical clustering of languages by their influence, and known families to compare with."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy.cluster.hierarchy import cophenet, cut_tree, leaves_list, linkage, optimal_leaf_ordering
from scipy.spatial.distance import squareform
from sklearn.metrics import adjusted_rand_score


class Agreement(NamedTuple):
    """How well a clustering agrees with known families.

    Attributes:
        rand: adjusted Rand index, 1 = the same clusters, 0 = as by chance.
        p_value: share of random families of the same sizes that agree as well or better, the known
            ones counted among them.
        cophenetic: correlation between the distances and those within the tree.
    """

    rand: float
    p_value: float
    cophenetic: float


def normalised(
    influence: Float[np.ndarray, "explained trained"],
) -> Float[np.ndarray, "language language"]:
    """Return influence relative to that of both languages on themselves.

    Args:
        influence: influence of every language on every language, in the same order.

    Returns:
        `(K_ij + K_ji) / 2 sqrt(K_ii K_jj)`, symmetric; 1 on the diagonal. NaN for a language that
        did not help itself.
    """
    own = np.diag(influence)
    with np.errstate(invalid="ignore", divide="ignore"):
        root = np.sqrt(np.where(own > 0, own, np.nan))
    similar: np.ndarray = (influence + influence.T) / 2 / root / root[:, None]
    return similar


def tree_of(similar: Float[np.ndarray, "language language"]) -> Float[np.ndarray, "merge 4"]:
    """Return the tree by average linkage of the distance `1 - similarity`, 0 at least.

    Args:
        similar: similarity of the languages; what is NaN counts as 0.

    Returns:
        The tree as scipy has it, its leaves ordered so that neighbours are alike.
    """
    distance = _distance(similar)
    return np.asarray(optimal_leaf_ordering(linkage(distance, "average"), distance))


def order_of(tree: Float[np.ndarray, "merge 4"]) -> Int[np.ndarray, " language"]:
    """Return the languages in the order of the leaves."""
    return np.asarray(leaves_list(tree))


def agreement(
    similar: Float[np.ndarray, "language language"], families: list[str], permutations: int
) -> Agreement:
    """Compare the tree, cut into as many clusters as there are families, with the families.

    Args:
        similar: similarity of the languages.
        families: the family of every language.
        permutations: random families for the p-value.

    Returns:
        The agreement.
    """
    tree = tree_of(similar)
    clusters = cut_tree(tree, len(set(families)))[:, 0]
    found = float(adjusted_rand_score(families, clusters))
    generator = np.random.default_rng(0)
    by_chance = [
        adjusted_rand_score(generator.permutation(families), clusters) for _ in range(permutations)
    ]
    p_value = (1 + sum(value >= found for value in by_chance)) / (1 + permutations)
    return Agreement(found, p_value, float(cophenet(tree, _distance(similar))[0]))


def _distance(similar: Float[np.ndarray, "language language"]) -> Float[np.ndarray, " pair"]:
    distance = np.clip(1 - np.nan_to_num(similar), 0, None)
    np.fill_diagonal(distance, 0)
    return np.asarray(squareform(distance, checks=False))
