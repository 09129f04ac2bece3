"""Statistics of a reformulation, worked out by hand."""

import numpy as np
import pytest

from explaind.pipeline.validate import validation_statistics
from explaind.training.task import task_of


def test_errors_are_those_of_all_outputs():
    """E9: the published "std" was none, and its statistics were of something else."""
    error = np.array([[0.1, -0.2, 0.0], [0.5, -0.3, 0.1]])
    true = np.log([[0.2, 0.3, 0.5], [0.6, 0.3, 0.1]])
    found = validation_statistics(task_of("nll"), true, true - error, np.array([2, 0]))
    assert found["deviation_mean"] == pytest.approx(1.2 / 6)
    assert found["deviation_max"] == pytest.approx(0.5)
    # signed errors, of which the six are all there are: 0.4 is the sum of their squares
    assert found["deviation_std"] == pytest.approx((0.4 / 6 - (0.2 / 6) ** 2) ** 0.5)
