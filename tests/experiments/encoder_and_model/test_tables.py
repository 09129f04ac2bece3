"""Means over the trainings."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from explaind.experiments.encoder_and_model.tables import mean_agreement


def test_intervals_are_those_of_students_t():
    """1.96 instead of 2.78 for five trainings (defect 39 of the published notebook)."""
    values = [0.391, 0.474, 0.459, 0.425, 0.42]
    table = pd.DataFrame(
        {"method": "integrated_gradients", "output": "logits", "correlation": values}
    )
    row = mean_agreement(table).iloc[0]
    assert row["mean"] == pytest.approx(np.mean(values))
    assert row["margin"] == pytest.approx(stats.t.ppf(0.975, 4) * stats.sem(values))
    assert row["margin"] > 1.4 * 1.96 * stats.sem(values)


def test_a_single_training_has_no_interval():
    table = pd.DataFrame({"method": ["saliency"], "output": ["logits"], "correlation": [0.5]})
    assert np.isnan(mean_agreement(table).iloc[0]["margin"])
