"""A small ResNet with everything of the paper's training, mirrored images above all."""

import functools

import numpy as np
import pytest
import torch
from torch.optim import SGD
from torch.optim.lr_scheduler import LambdaLR

from explaind.config.training import Training
from explaind.data.augmentation import RandomHorizontalFlip
from explaind.errors import ConfigError, RecordingError
from explaind.kernel.contraction import training_side
from explaind.kernel.contraction.training_data import TrainingData
from explaind.kernel.query.quadrature import Quadrature
from explaind.models.resnet9 import ResNet9
from explaind.store import open_sealed
from explaind.training.optimizer import learning_rate
from tests.history.checkpointed import both, read
from tests.kernel.engine import explain, record
from tests.kernel.test_invariance import assert_same
from tests.kernel.test_loss_of_logits import images
from tests.kernel.trajectory.test_adjoint import assert_equal_to_oracle
from tests.oracles.dense_midpoint import midpoint_nodes
from tests.oracles.forward_path_kernel import explain as oracle_of
from tests.oracles.problems import TRAIN_SAMPLES, Problem
from tests.oracles.smooth_models import CLASSES

SETTINGS = Training(
    optimizer={"kind": "sgd", "learning_rate": 0.2},
    schedule={"kind": "triangular", "peak_epoch": 1},
    batch_size=5,
    max_steps=None,
    epochs=3,
)
FLIP = RandomHorizontalFlip(3, SETTINGS.batches_per_epoch(TRAIN_SAMPLES))
NODES = Quadrature(rule="midpoint", subintervals=2, tolerance=None)
SECANT = Quadrature(rule="secant", subintervals=1, tolerance=0.005, max_subintervals=8)
ROWS = {
    "momentum": {"momentum": 0.9},
    "nesterov": {"momentum": 0.8, "nesterov": True},
    "dampening": {"momentum": 0.8, "dampening": 0.3},
}


def triangular(optimizer):
    """The schedule of the runs, through torch's own scheduler."""
    rate = SETTINGS.optimizer.learning_rate
    return LambdaLR(optimizer, lambda step: learning_rate(SETTINGS, step, TRAIN_SAMPLES) / rate)


def problem_of(row):
    """Batches of 5, 5, 2, 5, 5, 2, ..."""
    return Problem(
        row,
        lambda model: SGD(model.parameters(), lr=0.2, weight_decay=0.01, **ROWS[row]),
        make_model=lambda: ResNet9(1, CLASSES, 2, log_softmax=True),
        make_data=images,
        scheduler=triangular,
        augment=FLIP,
        steps=SETTINGS.steps(TRAIN_SAMPLES),
        seed=4,
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A function that explains a recorded training, and its store."""
    problem = problem_of("momentum")
    store = tmp_path_factory.mktemp("history") / "run.zarr"
    return functools.partial(explain, problem, store, record(problem, store), quadrature=SECANT)


@pytest.mark.parametrize("row", ROWS)
def test_every_array_equals_the_forward_recursion(row, tmp_path):
    problem = problem_of(row)
    store = tmp_path / "run.zarr"
    found = explain(problem, store, record(problem, store), quadrature=NODES, intervals=4)
    path = problem.path()
    x, y = problem.test_data()
    oracle = oracle_of(path, problem.functional, x, y, midpoint_nodes(2))
    assert_equal_to_oracle(found, oracle, list(path.tensors))


def test_the_parts_add_up(run):
    found = run()
    parts = [found.initial_output, found.influence.sum("train"), found.decay, found.residual]
    assert float(np.abs(sum(parts) - found.final_output).max()) < 1e-12
    assert float(np.abs(found.rounding).max()) < 1e-12
    assert float(np.abs(found.residual / (found.final_output - found.initial_output)).max()) < 0.1


def test_mirroring_is_at_work_in_the_training(tmp_path):
    """Otherwise this would say nothing about it."""
    plain, mirrored = problem_of("momentum").but(augment=None), problem_of("momentum")
    assert not torch.allclose(plain.path().parameters[-1], mirrored.path().parameters[-1])


def test_steps_of_rate_zero_are_part_of_the_path():
    path = problem_of("momentum").path()
    assert torch.equal(path.parameters[0], path.parameters[1])
    assert not torch.equal(path.parameters[1], path.parameters[2])


def test_pieces_and_segments_change_nothing(run, monkeypatch):
    expected = run()
    monkeypatch.setattr(training_side, "WORKING_BYTES", 1)
    assert_same(run(block=1), expected)
    halves = [run(segment=(number, 2)) for number in range(2)]
    total = sum(half.influence for half in halves)
    np.testing.assert_allclose(total, expected.influence, rtol=1e-9, atol=1e-12)


def test_a_checkpointed_history_is_replayed_bit_for_bit(tmp_path):
    problem = problem_of("nesterov")
    (full, checkpointed), model = both(problem, tmp_path, 4)
    expected, found = read(problem, full, model), read(problem, checkpointed, model)
    for start, stop in [(0, 9), (5, 7)]:
        a, b = expected.read(start, stop), found.read(start, stop)
        assert torch.equal(a.params, b.params)


def test_every_batch_is_made_again_from_its_step_and_indices(tmp_path):
    """The history holds no inputs."""
    problem, store = problem_of("momentum"), tmp_path / "run.zarr"
    seen = []

    def watched(x, index, step):
        seen.append(FLIP(x, index, step))
        return seen[-1]

    model = record(problem.but(augment=watched), store)
    history = read(problem, store, model)
    data = TrainingData(problem.train_data(), torch.float64, "cpu", FLIP)
    for step in reversed(range(history.steps)):
        assert torch.equal(data.batch(history.batch(step), step)[0], seen[step])
    dims = {dim for array in open_sealed(store).values() for dim in array.dims}
    assert dims == {"step_point", "step", "param", "tensor", "scalar", "slot", "sample"}


@pytest.mark.parametrize("augment", [None, RandomHorizontalFlip(4, 3), RandomHorizontalFlip(3, 2)])
def test_another_augmentation_is_refused(run, augment):
    """None at all, of another seed, of other epochs."""
    problem, store, model = run.args
    other = problem.but(augment=augment)
    with pytest.raises((ConfigError, RecordingError), match="augment"):
        explain(other, store, model, quadrature=SECANT)


def test_an_augmentation_that_was_not_recorded_is_refused(tmp_path):
    problem = problem_of("momentum")
    store = tmp_path / "run.zarr"
    model = record(problem.but(augment=None), store)
    with pytest.raises(ConfigError, match="expected none, as was recorded, got one"):
        explain(problem, store, model)
