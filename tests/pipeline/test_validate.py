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
    assert found["absolute_error_mean"] == pytest.approx(1.2 / 6)
    assert found["absolute_error_max"] == pytest.approx(0.5)
    # signed errors, of which the six are all there are: 0.4 is the sum of their squares
    assert found["error_std"] == pytest.approx((0.4 / 6 - (0.2 / 6) ** 2) ** 0.5)


def test_what_a_task_compares_is_among_them():
    error = np.array([[0.5, 0.0], [0.0, -1.5], [0.0, 0.25]])
    true, target = np.array([[2.0, 0.0], [0.0, 1.0], [1.0, -1.0]]), np.array([0, 1, 1])
    of_classes = validation_statistics(task_of("nll"), true, true - error, target)
    assert of_classes["model_accuracy"] == pytest.approx(2 / 3)
    assert of_classes["argmax_agreement"] == 1.0  # 1 - (-1.5) is still the largest
    of_numbers = validation_statistics(task_of("squared_error"), true, true - error, true)
    relative = np.sqrt((0.25 + 2.25 + 0.0625) / 6) / true.std()
    assert of_numbers["relative_error"] == pytest.approx(relative)
    assert "argmax_agreement" not in of_numbers
