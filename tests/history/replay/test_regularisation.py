"""The part of a step that weight decay and a penalty are responsible for."""

import pytest
import torch
from torch.optim import SGD, Adam, AdamW

from explaind.history.replay.history import History
from explaind.history.replay.regularisation import RegularisationMotion, penalty_gradient
from tests.history.checkpointed import penalty
from tests.kernel.engine import record
from tests.oracles.problems import Problem

DECAY = {"weight_decay": 0.3}
OPTIMIZERS = {
    "sgd": lambda m: SGD(m.parameters(), lr=0.1, **DECAY),
    "momentum": lambda m: SGD(m.parameters(), lr=0.1, momentum=0.9, nesterov=True, **DECAY),
    "adam": lambda m: Adam(m.parameters(), lr=0.1, **DECAY),
    "adamw": lambda m: AdamW(m.parameters(), lr=0.1, **DECAY),
}


def nothing(output, target):
    """A loss without a gradient: all motion is due to regularisation."""
    return 0.0 * output.sum(1)


def motions(problem, store):
    """Every block with its motion."""
    record(problem, store, chunk=2)
    history = History(store)
    motion = RegularisationMotion(history, problem.penalty)
    return [(block, motion.of_block(block)) for block in history.blocks()]


@pytest.mark.parametrize("explicit", [None, penalty], ids=["decay", "decay and penalty"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_without_a_gradient_of_the_data_it_is_all_of_the_motion(optimizer, explicit, tmp_path):
    problem = Problem("x", OPTIMIZERS[optimizer], loss_fn=nothing, penalty=explicit)
    blocks = motions(problem, tmp_path / "run.zarr")
    assert len(blocks) > 1
    for block, motion in blocks:
        assert motion.abs().max() > 0
        torch.testing.assert_close(motion, block.params.diff(dim=0), rtol=1e-9, atol=1e-12)


def test_without_regularisation_there_is_none(tmp_path):
    problem = Problem("x", lambda m: SGD(m.parameters(), lr=0.1, momentum=0.9))
    assert all(not motion.any() for _, motion in motions(problem, tmp_path / "run.zarr"))


def test_gradient_of_a_penalty(tmp_path):
    problem = Problem("x", OPTIMIZERS["sgd"])
    record(problem, tmp_path / "run.zarr")
    history = History(tmp_path / "run.zarr")
    theta = history.theta(3)
    assert penalty_gradient(history, theta, None) == 0.0
    torch.testing.assert_close(penalty_gradient(history, theta, penalty), 0.02 * theta)
