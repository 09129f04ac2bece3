"""Logs taken again and recorded: the path is the logged one, and logs that lack entries are not."""

import pytest
import torch

from explaind.compat.losses import TrainingLoss
from explaind.compat.recorded import record_logs
from explaind.errors import RecordingError
from explaind.history.replay.history import History
from tests.compat.test_exact_path_kernel_model import train


def test_the_recorded_path_is_the_logged_one(tmp_path):
    model, optimizer, loss, data = train("sgd")
    record_logs(tmp_path / "run.zarr", model, optimizer, data, TrainingLoss.of(loss))
    history = History(tmp_path / "run.zarr")
    assert history.steps == len(data.checkpoints)
    for step, logged in enumerate(model.checkpoints):
        found = history.layout.unflatten(history.theta(step))
        for name, value in found.items():
            [entry] = [tensor for key, tensor in logged.items() if key.endswith(name)]
            torch.testing.assert_close(value, entry)
    drawn = [sorted(history.batch(step).tolist()) for step in range(history.steps)]
    assert drawn == [sorted(entry["indices"].tolist()) for entry in data.checkpoints]


def test_logs_of_different_lengths_are_refused(tmp_path):
    model, optimizer, loss, data = train("sgd")
    model.checkpoints.pop()
    with pytest.raises(RecordingError, match="Expected 7 entries of model and optimizer for 6"):
        record_logs(tmp_path / "run.zarr", model, optimizer, data, TrainingLoss.of(loss))
