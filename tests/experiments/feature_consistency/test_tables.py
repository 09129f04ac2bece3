"""Means and areas by hand."""

import numpy as np
import pandas as pd
import pytest

from explaind.experiments.feature_consistency.tables import (
    area_up_to,
    mean_areas,
    mean_shifts,
    with_nothing_hidden,
)


def planted():
    """Two trainings; the method moves half at 10 %, all at 20 %, the control half as much."""
    rows = [
        {
            "encoder": "mine",
            "replicate": replicate,
            "method": method,
            "fraction": fraction,
            "shift": scale * value * (1 + replicate),
            "normalised": scale * value,
        }
        for replicate in (0, 1)
        for method, scale in (("saliency", 1.0), ("brightest", 0.5))
        for fraction, value in ((0.1, 0.5), (0.2, 1.0), (1.0, 1.0))
    ]
    return with_nothing_hidden(pd.DataFrame(rows))


def test_every_curve_begins_with_nothing():
    table = planted()
    own = table[(table["method"] == "saliency") & (table["replicate"] == 1)]
    assert own["fraction"].tolist() == [0, 0.1, 0.2, 1]
    assert own["normalised"].tolist() == [0, 0.5, 1, 1]


def test_shifts_are_averaged_over_trainings():
    shifts = mean_shifts(planted()).set_index(["method", "quantity", "fraction"])
    assert shifts.loc[("saliency", "shift", 0.1), "mean"] == pytest.approx(0.75)
    assert shifts.loc[("brightest", "normalised", 0.2), "mean"] == pytest.approx(0.5)
    assert shifts.loc[("saliency", "normalised", 0.1), "low"] == pytest.approx(0.5)
    assert (shifts["repetitions"] == 2).all()


def test_areas_are_those_of_triangles():
    areas = mean_areas(planted()).set_index("method")
    assert areas.loc["saliency", "mean"] == pytest.approx(0.5)
    assert areas.loc["saliency", "above_brightest"] == pytest.approx(0.25)
    assert areas.loc["brightest", "above_brightest"] == 0
    assert np.isnan(areas["above_random"]).all()
    alone = mean_areas(planted().query("method == 'saliency'"))
    assert np.isnan(alone["above_brightest"]).all()


def test_areas_end_between_points():
    assert area_up_to(0.2, pd.Series([0, 0.1, 0.5]), pd.Series([0.0, 1, 1])) == pytest.approx(0.75)
