"""The bookkeeping of a step never waits for the device, nor mixes devices.

Tensors on the `meta` device stand in for those of a GPU: they have no numbers, so that asking for
one, which would stop a real GPU, is an error; so are sums over two devices.
"""

import numpy as np
import pytest
import torch
from torch.optim import SGD, AdamW

from explaind.choices import OUTPUT_ARRAYS
from explaind.history.replay.history import Block, History
from explaind.kernel.collectors.collector import ExplainedStep
from explaind.kernel.collectors.output_arrays import OutputArrays, make_collectors
from explaind.kernel.query.derivative import FormedDerivative
from explaind.kernel.trajectory.adjoint import Formed, MomentumAdjoint
from explaind.kernel.trajectory.intervals import Segment
from tests.kernel.engine import record
from tests.oracles.problems import TRAIN_SAMPLES, Problem

GPU = "meta"
SAMPLES, OUTPUTS = 3, 2


def groups(model):
    """Two groups: coefficients are vectors over the parameters."""
    first, *rest = model.parameters()
    return SGD([{"params": rest}, {"params": [first], "momentum": 0.3}], lr=0.1, momentum=0.5)


OPTIMIZERS = pytest.mark.parametrize(
    "optimizer", [groups, lambda model: AdamW(model.parameters(), lr=0.01)], ids=["groups", "adamw"]
)


@pytest.mark.parametrize("train_samples", [None, (1, 4)])
def test_no_output_array_waits_for_the_device(train_samples, tmp_path):
    record(Problem("gpu", groups, steps=6), tmp_path / "run.zarr")
    history = History(tmp_path / "run.zarr", device=GPU)
    params, steps = history.layout.size, history.steps
    like = torch.zeros(params, device=GPU)
    outputs = OutputArrays(frozenset(OUTPUT_ARRAYS), 1, "application_step", 2, train_samples)
    segment = Segment(0, steps, steps, whole=True)
    collectors = make_collectors(outputs, segment, steps, TRAIN_SAMPLES, like)
    for number in reversed(range(steps)):
        averaged = torch.ones(SAMPLES, OUTPUTS, params, device=GPU)
        explained = fake_step(history, number, averaged)
        for collector in collectors:
            collector.add(explained)
    with pytest.raises(NotImplementedError, match="no data"):  # the first copy to main memory
        collectors[0].arrays((SAMPLES, OUTPUTS))


@OPTIMIZERS
def test_the_adjoint_stays_on_the_device(optimizer, tmp_path):
    """With a tail for every later interval."""
    record(Problem("gpu", optimizer, steps=6), tmp_path / "run.zarr")
    history = History(tmp_path / "run.zarr", device=GPU)
    params, steps = history.layout.size, history.steps
    adaptive = None if optimizer is groups else torch.ones(steps, params, device=GPU)
    block = Block(0, steps, torch.zeros(steps + 1, params, device=GPU), adaptive)
    adjoint = MomentumAdjoint(history, np.array([0, 2, 4, 6]), 1e-7)
    for number in reversed(range(steps)):
        psi = adjoint.step(block, number, Formed(torch.ones(SAMPLES, params, device=GPU)))
        assert psi.matrix.device == torch.device(GPU)
    assert psi.matrix.shape == (3 * SAMPLES, params)


def fake_step(history, number, averaged):
    batch, queries = history.batch(number), SAMPLES * OUTPUTS
    components = len(history.layout.components)
    shape = (1, components, len(batch), queries)
    by_interval = torch.ones(shape, dtype=torch.float64, device=GPU)
    change = torch.ones(SAMPLES, OUTPUTS, device=GPU)
    explained = torch.ones(SAMPLES, OUTPUTS, components, 2, device=GPU)
    subintervals = torch.ones(SAMPLES, dtype=torch.int64, device=GPU)
    return ExplainedStep(
        number,
        FormedDerivative(explained, change, subintervals, averaged),
        torch.ones(2, history.layout.size, device=GPU),
        batch,
        by_interval.sum(0),
        by_interval,
        [0],
        torch.ones(queries, dtype=torch.float64, device=GPU),
    )
