"""Means, differences and checks by hand."""

import pandas as pd
import pytest

from explaind.experiments.example_consistency.tables import (
    COMPLETENESS,
    mean_checks,
    mean_differences,
    mean_rates,
)


def planted():
    """Two trainings in which the nearest samples are of the class, and a solver's residual."""
    rates = [
        {
            "encoder": "mine",
            "replicate": replicate,
            "method": method,
            "end": end,
            "fraction": fraction,
            "rate": rate + 0.1 * replicate * (end == "most"),
            "limit": limit,
        }
        for replicate in (0, 1)
        for method, good in (("dknn", 0.6), ("tracin", 0.3))
        for end, fraction, rate, limit in (
            ("most", 0.1, good, 1.0),
            ("most", 1.0, 0.2, 0.2),
            ("least", 0.1, 0.1, 0.0),
            ("least", 1.0, 0.2, 0.2),
        )
    ]
    checks = [
        {"encoder": "mine", "replicate": replicate, "method": "simplex", "end": "check"}
        | {"check": "simplex: median residual", "rate": 1e-4 * (1 + replicate)}
        for replicate in (0, 1)
    ]
    return pd.DataFrame(rates), pd.DataFrame(checks)


def test_rates_are_averaged_over_trainings():
    rates = mean_rates(planted()[0]).set_index(["method", "end", "fraction"])
    assert rates.loc[("dknn", "most", 0.1), "mean"] == pytest.approx(0.65)
    assert rates.loc[("dknn", "most", 0.1), "limit"] == 1
    assert rates.loc[("tracin", "least", 0.1), "repetitions"] == 2


def test_differences_are_those_of_a_network():
    areas = mean_differences(planted()[0]).set_index("method")
    assert areas.loc["dknn", "mean"] == pytest.approx(0.55)
    assert areas.loc["dknn", "fraction"] == 0.1
    assert areas.loc["tracin", "most"] == pytest.approx(0.35)
    assert areas.loc["tracin", "least"] == pytest.approx(0.1)
    assert areas.loc["tracin", "chance"] == pytest.approx(0.225)
    # of two trainings, 0.3 and 0.4: Student's t 12.706, standard error 0.05
    assert areas.loc["tracin", "most_low"] == pytest.approx(0.35 - 12.7062 * 0.05, abs=1e-4)
    assert areas.loc["tracin", "least_high"] == pytest.approx(0.1)


def test_checks():
    found = mean_checks(planted()[1])
    assert found["mean"].tolist() == pytest.approx([1.5e-4])
    assert found["largest"].tolist() == pytest.approx([2e-4])
    assert mean_checks(planted()[1].head(0)).empty


@pytest.mark.parametrize(("worst", "kept"), [(4e-4, True), (6e-4, False), (float("nan"), False)])
def test_the_path_kernel_has_to_be_complete_in_every_training(worst, kept):
    residuals = planted()[1]
    complete = residuals.assign(check=COMPLETENESS, method="path_kernel", rate=[1e-6, worst])
    found = mean_checks(pd.concat([residuals, complete])).set_index("check")
    assert found.loc[COMPLETENESS, "allowed"] == 5e-4
    assert found.loc[COMPLETENESS, "kept"] == kept
    assert found.loc["simplex: median residual", "kept"]
