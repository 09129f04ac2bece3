"""What the momentum before a recording goes on doing in it."""

import pytest
import torch
from torch.optim import SGD, AdamW, NAdam, RMSprop

from explaind.history.replay.carry import CarriedMotion
from explaind.history.replay.history import History
from tests.kernel.engine import record
from tests.oracles.problems import Problem

OPTIMIZERS = {
    "sgd": lambda m: SGD(m.parameters(), lr=0.1, momentum=0.9, nesterov=True),
    "adamw": lambda m: AdamW(m.parameters(), lr=0.1, weight_decay=0.0),
    "nadam": lambda m: NAdam(m.parameters(), lr=0.1),
    "rmsprop": lambda m: RMSprop(m.parameters(), lr=0.1, momentum=0.9),
}


def nothing(output, target):
    """A loss without a gradient: only the past moves the parameters."""
    return 0.0 * output.sum(1)


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_without_any_gradient_it_is_all_of_the_motion(kind, tmp_path):
    problem = Problem(kind, OPTIMIZERS[kind])
    model = problem.model()
    optimizer = problem.optimizer(model)
    record(problem, tmp_path / "before.zarr", model=model, optimizer=optimizer)
    still = problem.but(loss_fn=nothing)
    record(still, tmp_path / "run.zarr", model=model, optimizer=optimizer)
    history = History(tmp_path / "run.zarr")
    carry = CarriedMotion(history)
    for block in history.blocks():
        for step in range(block.start, block.stop):
            found = carry.of_step(block, step)
            assert found.abs().max() > 1e-4
            torch.testing.assert_close(found, block.increment(step), rtol=1e-9, atol=1e-13)


def test_there_is_none_after_a_new_optimizer(tmp_path):
    problem = Problem("adamw", OPTIMIZERS["adamw"])
    record(problem, tmp_path / "run.zarr")
    history = History(tmp_path / "run.zarr")
    assert not history.carried
    assert history.first_moment() is None
    assert CarriedMotion(history).of_step(history.read(0, 1), 0) is None
