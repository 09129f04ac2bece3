"""Losses after removal, of planted trainings."""

import numpy as np
import pandas as pd
import pytest

from explaind.experiments.roar.settings import RoarSettings, parts
from explaind.experiments.roar.tables import loss_curves


def losses(**methods):
    return pd.DataFrame(
        {
            "encoder": "autoencoder",
            "replicate": replicate,
            "method": method,
            "fraction": 0.5,
            "loss": loss,
        }
        for method, values in methods.items()
        for replicate, loss in enumerate(values)
    )


def test_gain_is_paired_by_training():
    """Trainings differ a lot, the methods by the same in each."""
    curves = loss_curves(losses(saliency=(1.1, 5.1, 9.1), random=(1.0, 5.0, 9.0)))
    row = curves.set_index("method").loc["saliency"]
    assert row["gain"] == pytest.approx(0.1)
    assert row["gain_margin"] == pytest.approx(0, abs=1e-9)
    assert row["margin"] > 1


def test_without_a_control_there_is_no_gain():
    curves = loss_curves(losses(saliency=(1.0, 2.0)))
    assert np.isnan(curves.iloc[0]["gain"])


def test_there_is_a_part_for_each_method_and_fraction():
    settings = RoarSettings(encoders=("a",), methods=("saliency", "random"), fractions=(0.1, 1.0))
    found = parts(settings)
    assert list(found) == ["saliency-0.1", "saliency-1", "random-0.1", "random-1"]
    assert (found["random-1"].methods, found["random-1"].fractions) == (("random",), (1.0,))
