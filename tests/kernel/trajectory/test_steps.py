"""The walk backward: every step once, in parts by the formula of the optimizer."""

import pytest
import torch
from torch.optim import SGD

from explaind.history.replay.history import History
from explaind.history.replay.regularisation import RegularisationMotion
from explaind.kernel.trajectory.steps import PARTS, backward_steps, parts_of
from tests.kernel.engine import record
from tests.oracles.problems import Problem

RATE, DECAY, STEPS = 0.1, 0.2, 9


@pytest.fixture(scope="module")
def history(tmp_path_factory):
    problem = Problem(
        "walk",
        lambda model: SGD(model.parameters(), lr=RATE, weight_decay=DECAY),
        steps=STEPS,
    )
    store = tmp_path_factory.mktemp("walk") / "run.zarr"
    record(problem, store, chunk=4)  # three blocks
    return History(store, torch.float64)


def test_steps_come_backward_and_their_parts_are_those_of_sgd(history):
    steps = [*backward_steps(history, RegularisationMotion(history, None))]
    assert [step.number for step in steps] == [*reversed(range(STEPS))]
    assert parts_of(history) == PARTS[:2]
    for step in steps:
        assert torch.equal(step.start, history.theta(step.number))
        assert torch.equal(step.end, history.theta(step.number + 1))
        data, decay = step.parts
        torch.testing.assert_close(data + decay, step.end - step.start)
        torch.testing.assert_close(decay, -RATE * DECAY * step.start)
        assert step.weights.sum() == pytest.approx(1.0)  # a mean
        assert len(step.weights) == len(step.batch)
        assert step.clip == 1.0


def test_a_segment_is_a_part_of_the_walk(history):
    steps = backward_steps(history, RegularisationMotion(history, None), 2, 6)
    assert [step.number for step in steps] == [5, 4, 3, 2]
