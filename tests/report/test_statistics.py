"""The validation numbers in plain words."""

import pandas as pd

from explaind.report.statistics import completeness_rows


def test_rounding_stands_beside_the_residual_it_is_part_of():
    table = pd.DataFrame(
        {
            "residual": [0.5, -4.0, 1.0],
            "rounding": [-0.25, 0.125, 2e-6],
            "residual_share": [0.01, 0.02, 0.5],
        }
    )
    rows = {name: value for name, value, _ in completeness_rows(table, "nat")}
    assert rows == {
        "Residual, median sample": "1 nat",
        "Residual, worst sample": "4 nat",
        "Of which rounding, median sample": "0.125 nat",
        "Of which rounding, worst sample": "0.25 nat",
        "Relative residual, median sample": "2 %",
        "Relative residual, worst sample": "50 %",
    }
