"""What is kept of every step, against sums over planted steps; copies come in blocks."""

import numpy as np
import pytest
import torch

from explaind.kernel.collectors import decomposition
from explaind.kernel.collectors.collector import ExplainedStep
from explaind.kernel.collectors.decomposition import StepDecomposition
from explaind.kernel.query.derivative import FormedDerivative

SAMPLES, OUTPUTS, COMPONENTS, BATCH = 2, 3, 4, 5
STEPS = range(3, 8)


def planted(number, parts):
    """A step of random numbers."""
    draw = torch.Generator().manual_seed(number)

    def numbers(*shape):
        return torch.randn(shape, generator=draw)

    derivative = FormedDerivative(
        formed=numbers(SAMPLES, OUTPUTS, 6),
        explained=numbers(SAMPLES, OUTPUTS, COMPONENTS, parts),
        change=numbers(SAMPLES, OUTPUTS),
        subintervals=torch.full((SAMPLES,), number),
    )
    return ExplainedStep(
        number,
        derivative,
        parts=numbers(parts, 6),
        batch=torch.arange(BATCH),
        influence=numbers(COMPONENTS, BATCH, SAMPLES * OUTPUTS),
        by_interval=numbers(1, COMPONENTS, BATCH, SAMPLES * OUTPUTS),
        intervals=[0],
        regularisation=numbers(SAMPLES * OUTPUTS),
    )


@pytest.mark.parametrize("waiting", [1, 2, 64])
@pytest.mark.parametrize("parts", [2, 3])
def test_rows_are_those_of_the_steps(parts, waiting, monkeypatch):
    monkeypatch.setattr(decomposition, "WAITING_STEPS", waiting)
    collector = StepDecomposition(STEPS, ("step_component", "absolute"))
    steps = {number: planted(number, parts) for number in STEPS}
    for number in reversed(STEPS):
        collector.add(steps[number])
    found = collector.arrays((SAMPLES, OUTPUTS))
    names = ("data", "decay", "carry")[:parts]
    for row, step in enumerate(steps.values()):
        explained, change = step.derivative.explained.numpy(), step.derivative.change.numpy()
        for k, name in enumerate(names):
            by_component = np.moveaxis(explained[..., k], -1, 0)
            np.testing.assert_array_equal(found[f"step_{name}_by_component"][row], by_component)
            np.testing.assert_allclose(found[f"step_{name}"][row], by_component.sum(0), atol=1e-6)
        np.testing.assert_array_equal(found["step_true"][row], change)
        residual = change - explained.astype(float).sum((2, 3))
        np.testing.assert_allclose(found["step_residual"][row], residual, atol=1e-12)
        influence = step.influence.numpy().reshape(COMPONENTS, BATCH, SAMPLES, OUTPUTS)
        for name, values in (("net", influence), ("absolute", np.abs(influence))):
            array = found[f"step_{name}_by_component"][row]
            np.testing.assert_allclose(array, values.sum(1), atol=1e-6)
    np.testing.assert_array_equal(found["subintervals"], [[n] * SAMPLES for n in STEPS])
    assert ("step_carry" in found) == (parts == 3)


def test_only_what_is_asked_for_is_kept():
    collector = StepDecomposition(range(1), ())
    collector.add(planted(0, 2))
    found = collector.arrays((SAMPLES, OUTPUTS))
    totals = {"step_true", "step_residual", "step_data", "step_decay", "subintervals"}
    assert set(found) == totals
