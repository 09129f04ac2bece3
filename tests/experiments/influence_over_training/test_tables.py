"""What the balance says: ratios, differences, and when one part overtakes the other."""

import numpy as np
import pandas as pd
import pytest

from explaind.experiments.influence_over_training.tables import (
    balance_table,
    crossings,
    sign_changes,
)


def table_of(data, decay):
    """One component; sums over parameters are twice the sizes of the sums."""
    start = 10 * np.arange(len(data))
    data, decay = np.array(data, float), np.array(decay, float)
    return pd.DataFrame(
        {
            "start": start,
            "stop": start + 10,
            "functional": "target_logprob",
            "component": "decoder",
            "data": data,
            "decay": decay,
            "data_absolute": 2 * data,
            "decay_absolute": 2 * decay,
        }
    )


def test_ratio_and_difference():
    found = balance_table(table_of([4, 1, 3], [2, 2, 0]))
    np.testing.assert_array_equal(found["ratio"], [2, 0.5, np.nan])
    np.testing.assert_array_equal(found["difference"], [4, -2, 6])


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, 1, -1, -1], [(2, -1)]),
        ([1, 1, -1, 1, 1], []),  # not held
        ([-1, -1, 1, 1, 1, -2, -2], [(2, 1), (5, -1)]),
        ([1, 1, np.nan, 0, -1, -1], [(4, -1)]),
        ([1, 1, 1], []),
        ([], []),
    ],
)
def test_signs_count_once_they_are_held(values, expected):
    assert sign_changes(np.array(values, float), 2) == expected


def test_crossings_name_the_first_step_of_the_interval():
    balance = balance_table(table_of([1, 1, 5, 6, 6, 1, 1], [2, 2, 2, 3, 3, 4, 4]))
    found = crossings(balance)
    for measure in ("ratio", "difference"):
        rows = found[found["measure"] == measure]
        assert rows["step"].tolist() == [20, 50]
        assert rows["larger"].tolist() == ["training data", "regularisation"]
