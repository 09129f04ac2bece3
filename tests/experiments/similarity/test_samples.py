"""Names of samples, and what two of them have in common."""

import numpy as np
import pandas as pd

from explaind.experiments.similarity.samples import pair_groups, sample_table, shares_input
from tests.experiments.similarity.made import P, similarity_store

STORE, DATA = similarity_store()


def test_training_samples_are_those_of_the_training_split():
    """E25: the published script took both sides from the validation split."""
    table = sample_table(STORE, DATA)
    for row in table.to_dict("records"):
        tokens = DATA["x_train" if row["split"] == "training" else "x_validation"].values
        a, _, b, _ = tokens[row["index"]]
        assert (row["a"], row["b"], row["sum"], row["class"]) == (a, b, a + b, (a + b) % P)
        assert row["name"] == f"{a} + {b} = {(a + b) % P}"
        assert row["wraps"] == (a + b >= P)
    assert table["name"].is_unique


def test_other_data_have_names_too():
    table = sample_table(STORE, DATA.assign_attrs(kind="digits"))
    assert table["name"].is_unique
    assert "a" not in table
    assert shares_input(table) is None
    assert list(pair_groups(table)) == ["same class", "others"]


def test_every_pair_of_different_samples_is_in_one_group():
    table = pd.DataFrame({"class": [3, 3, 4, 6], "a": [2, 3, 3, 5], "b": [1, 0, 1, 1]})
    groups = pair_groups(table)
    np.testing.assert_array_equal(sum(groups.values()) + np.eye(4), 1)
    assert np.argwhere(np.triu(groups["same class"])).tolist() == [[0, 1]]
    assert np.argwhere(np.triu(groups["same input"])).tolist() == [[0, 2], [0, 3], [1, 2], [2, 3]]
    assert np.argwhere(np.triu(groups["others"])).tolist() == [[1, 3]]
