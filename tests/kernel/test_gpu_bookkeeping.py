"""The bookkeeping of a step on a GPU that is not there.

Fake tensors know their device and refuse to mix two; asking one for its numbers, which would stop a
real GPU, is an error. Layers and their gradients are not covered: autograd needs the real device.
"""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch._subclasses.fake_tensor import DataDependentOutputException, FakeTensorMode
from torch.optim import SGD, AdamW

from explaind.history.history import Block, History
from explaind.kernel.adjoint import MomentumAdjoint
from explaind.kernel.collect import collectors_of
from explaind.kernel.explained_step import ExplainedStep
from explaind.kernel.query import StepDerivative
from explaind.kernel.segment import Segment
from explaind.kernel.slices import SLICES, Slices
from tests.kernel.engine import record
from tests.oracles.problems import TRAIN_SAMPLES, Problem

GPU = "cuda:0"
SAMPLES, OUTPUTS = 3, 2


@pytest.fixture
def no_gradients():
    with torch.no_grad():
        yield


def groups(model):
    """Two groups: coefficients are vectors over the parameters."""
    first, *rest = model.parameters()
    return SGD([{"params": rest}, {"params": [first], "momentum": 0.3}], lr=0.1, momentum=0.5)


def test_fake_numbers_cannot_be_asked_for():
    with FakeTensorMode(), pytest.raises(DataDependentOutputException):
        torch.ones(3, device=GPU).sum().item()


@pytest.mark.parametrize(
    "optimizer", [groups, lambda model: AdamW(model.parameters(), lr=0.01)], ids=["groups", "adamw"]
)
@pytest.mark.parametrize("train_samples", [None, (1, 4)])
def test_no_step_waits_for_the_gpu_or_mixes_devices(
    optimizer, train_samples, tmp_path: Path, no_gradients
):
    problem = Problem("gpu", optimizer, steps=6)
    record(problem, tmp_path / "run.zarr")
    history = History(tmp_path / "run.zarr", device=GPU)
    params, steps = history.layout.size, history.steps
    slices = Slices(frozenset(SLICES), 3, "application_step", 2, train_samples)
    with FakeTensorMode(allow_non_fake_inputs=True):
        like = torch.zeros(params, device=GPU)
        adaptive = torch.ones(steps, params, device=GPU) if "adamw" in str(optimizer) else None
        block = Block(0, steps, torch.zeros(steps + 1, params, device=GPU), adaptive)
        adjoint = MomentumAdjoint(history, np.array([0, 2, 4, 6]), 1e-7)
        segment = Segment(0, steps, steps, whole=True)
        collectors = collectors_of(slices, segment, history.layout, steps, TRAIN_SAMPLES, like)
        for number in reversed(range(steps)):
            averaged = torch.ones(SAMPLES, OUTPUTS, params, device=GPU)
            psi = adjoint.step(block, number, averaged.flatten(0, 1))
            assert psi.matrix.device == like.device
            explained = fake_step(history, number, averaged, adjoint.parts)
            for collector in collectors:
                collector.add(explained)


def fake_step(history, number, averaged, parts):
    batch, queries = history.batch(number), SAMPLES * OUTPUTS
    shape = (len(parts), len(history.layout.components), len(batch), queries)
    by_interval = torch.ones(shape, dtype=torch.float64, device=GPU)
    change = torch.ones(SAMPLES, OUTPUTS, device=GPU)
    subintervals = torch.ones(SAMPLES, dtype=torch.int64, device=GPU)
    return ExplainedStep(
        number,
        StepDerivative(averaged, change, subintervals),
        torch.ones(2, history.layout.size, device=GPU),
        batch,
        by_interval.sum(0),
        by_interval,
        parts,
        torch.ones(queries, dtype=torch.float64, device=GPU),
    )
