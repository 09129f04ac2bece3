"""Statistics of a reformulation against formulas written out."""

import numpy as np
import pytest

from explaind.pipeline.validate import validation_statistics
from explaind.training.task import task_of

TRUE = np.array([[2.0, 0.0], [0.0, 1.0], [1.0, -1.0]])
ERROR = np.array([[0.5, 0.0], [0.0, -1.5], [0.0, 0.25]])


@pytest.mark.parametrize("loss", ["cross_entropy", "squared_error"])
def test_errors_are_over_all_outputs(loss):
    found = validation_statistics(task_of(loss), TRUE, TRUE - ERROR, np.array([0, 1, 1]))
    errors = [0.5, 0.0, 0.0, -1.5, 0.0, 0.25]
    mean = sum(errors) / 6
    assert found["deviation_mean"] == pytest.approx(2.25 / 6)
    assert found["deviation_max"] == 1.5
    spread = np.sqrt(sum((error - mean) ** 2 for error in errors) / 6)
    assert found["deviation_std"] == pytest.approx(spread)


def test_what_a_task_compares_is_among_them():
    of_classes = validation_statistics(task_of("nll"), TRUE, TRUE - ERROR, np.array([0, 1, 1]))
    assert of_classes["model_accuracy"] == pytest.approx(2 / 3)
    assert of_classes["argmax_agreement"] == 1.0  # 1 - (-1.5) is still the largest
    of_numbers = validation_statistics(task_of("squared_error"), TRUE, TRUE - ERROR, TRUE)
    relative = np.sqrt((0.25 + 2.25 + 0.0625) / 6) / TRUE.std()
    assert of_numbers["relative_error"] == pytest.approx(relative)
    assert "argmax_agreement" not in of_numbers
