"""Key frequencies by both methods."""

import pandas as pd
import pytest

from explaind.experiments.spectrum.tables import key_frequencies

CASE = {"source": "weights", "functional": "", "component": "e", "start": 3, "stop": 3}
SPECTRUM = pd.DataFrame(
    {
        "frequency": [1, 2, 3, 4],
        "share": [0.1, 0.6, 0.05, 0.25],
        "lasso_share": [0.0, 0.7, 0.3, 0.0],
        "explained": 0.8,
        "interval": 0,
        **CASE,
    }
)


def test_key_frequencies_of_both_methods_are_compared():
    (row,) = key_frequencies(SPECTRUM, 0.1).to_dict("records")
    assert (row["projection"], row["lasso"]) == ("2 4 1", "2 3")
    assert row["in_lasso"] == 1
    assert row["lasso_power"] == pytest.approx(0.65)
    assert {key: row[key] for key in CASE} == CASE


def test_there_may_be_none():
    (row,) = key_frequencies(SPECTRUM.assign(lasso_share=0.0), 0.9).to_dict("records")
    assert (row["projection"], row["lasso"], row["lasso_power"]) == ("", "", 0)
