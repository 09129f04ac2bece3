"""Completeness: the two routes to the data part are compared, and what is left is the residual."""

import numpy as np
import pytest

from explaind.errors import RecordingError
from explaind.kernel.completeness import complete, step_sums

STEPS = {
    "step_data": np.array([[[0.5]], [[-0.2]]]),
    "step_residual": np.array([[[0.01]], [[0.02]]]),
}


def arrays(data):
    ends = {"initial_output": np.array([[1.0]]), "final_output": np.array([[1.25]])}
    return {"data": np.array([[data]]), "decay": np.array([[-0.1]]), **ends, **step_sums(STEPS)}


def test_residual_and_rounding():
    completed, error = complete(arrays(0.3001), {"float32"})
    np.testing.assert_allclose(completed["residual"], [[0.25 - 0.3001 + 0.1]])
    np.testing.assert_allclose(completed["rounding"], completed["residual"] - 0.03)
    assert error == pytest.approx(0.0001 / 0.7)


def test_the_coarser_type_sets_the_tolerance():
    complete(arrays(0.3001), {"float32", "float64"})
    with pytest.raises(RecordingError, match="adds up to something else"):
        complete(arrays(0.3001), {"float64"})
    with pytest.raises(RecordingError, match="adds up to something else"):
        complete(arrays(np.nan), {"float32"})
