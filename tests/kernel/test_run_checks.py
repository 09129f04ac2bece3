"""What is explained with is what was recorded with; chance above all (data: `test_defects`)."""

import pytest
from torch import nn

from explaind.errors import ConfigError, RecordingError, UnsupportedError
from tests.history.test_guards import WithModule
from tests.history.training_loop import SGD
from tests.kernel.engine import explain, record
from tests.kernel.test_random_training import Dropout, Training, explained, problem_of


@pytest.fixture
def store(tmp_path):
    return tmp_path / "history.zarr"


def test_dropout_that_was_not_recorded_is_refused(store):
    problem = SGD.but(make_model=lambda: WithModule(nn.Dropout(0.5)).eval())
    model = record(problem, store)
    with pytest.raises(UnsupportedError, match=r"'extra' \(Dropout\) is in training mode"):
        explain(problem, store, model.train())


def test_another_dropout_is_refused(store):
    training = Training(problem_of(Dropout))
    training.run(store)
    other = training.problem.model()
    other.drop.p = 0.2
    with pytest.raises(RecordingError, match="dropout must have the same probability"):
        explained(training, store, model=other)


def test_numbers_of_another_device_are_refused(store):
    training = Training(problem_of(Dropout))
    training.run(store)
    with pytest.raises(ConfigError, match="device: expected cpu"):
        explained(training, store, device="meta")
