"""A recorded training against a plain loop written here, whatever it is trained on."""

import copy
import functools

import pytest
import torch
from torch.nn import functional

import explaind
from explaind.config.load import load_config
from explaind.config.stages import stage_config
from explaind.config.training import History, Training
from explaind.data.load import LoadedDataset, load_dataset
from explaind.errors import ConfigError
from explaind.history.layout import ParameterLayout
from explaind.history.replay.history import History as RecordedHistory
from explaind.models.registry import build_model
from explaind.paths import Paths
from explaind.pipeline.prepare import prepare_dataset
from explaind.pipeline.train import train
from explaind.store import open_sealed, stored_attributes
from explaind.training.metrics import metric_names
from explaind.training.order import epoch_order
from explaind.training.task import Task
from explaind.training.train import Trainer, checkpoint_interval, record_training

REMOVED = [0, 3, 8]
CONFIG = {
    "datasets": {"modulo": {"p": 7}},
    "runs": {
        "grokking": {
            "model": {"width": 8, "heads": 2, "mlp_width": 8},
            "training": {
                "max_steps": 7,
                "stop_at_accuracy": None,
                "batch_size": 9,
                "optimizer": {"kind": "sgd", "learning_rate": 0.5, "momentum": 0.9},
                "device": "cpu",
            },
        }
    },
}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    config, paths = load_config(CONFIG), Paths(tmp_path_factory.mktemp("removed"))
    prepare_dataset(config, paths, "modulo")
    return config, paths, load_dataset(config, paths, "modulo")


def plain_loop(run, data, removed):
    """Same start, same batches, the removed samples missing in them."""
    model = build_model(run.model, data.classes, data.input_shape)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5, momentum=0.9)
    samples, step = len(data.y_train), 0
    for epoch in range(3):
        order = epoch_order(samples, run.training.seed, epoch).tolist()
        for start in range(0, samples, 9):
            rows = [i for i in order[start : start + 9] if i not in removed]
            if step < run.training.max_steps:
                optimizer.zero_grad()
                output = model(data.x_train[rows])
                functional.nll_loss(output, data.y_train[rows]).backward()
                optimizer.step()
            step += 1
    return list(model.parameters())


@pytest.mark.parametrize("removed", [[], REMOVED])
def test_training_without_samples_is_that_of_a_plain_loop(project, tmp_path, removed):
    config, _, data = project
    run = config.runs["grokking"]
    model = record_training(run, data, tmp_path / "history.zarr", {}, removed)
    expected = plain_loop(run, data, removed)
    assert all(map(torch.equal, model.parameters(), expected))
    assert stored_attributes(tmp_path / "history.zarr")["removed"] == removed
    history = RecordedHistory(tmp_path / "history.zarr")
    seen = {i for step in range(history.steps) for i in history.batch(step).tolist()}
    assert seen == set(range(len(data.y_train))) - set(removed)


def test_training_with_all_samples_is_the_run(project, tmp_path):
    config, paths, data = project
    train(config, paths, "grokking")
    stage = stage_config(config, "train", "grokking")
    model = record_training(config.runs["grokking"], data, tmp_path / "history.zarr", stage)
    history = RecordedHistory(paths.history("grokking"))
    assert torch.equal(history.theta(7), history.layout.flatten(dict(model.named_parameters())))


SQUARED = Task(lambda output, target: (output[:, 0] - target).square())
"""Regression: no classes, no accuracy."""


def regression(**settings):
    """A linear network, noise to fit with it, and how."""
    model = torch.nn.Linear(3, 1)
    x, y = torch.randn(10, 3), torch.randn(10)
    data = LoadedDataset(x[:8], y[:8], x[8:], y[8:], classes=1, sha256="")
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    layout = ParameterLayout.of(model, optimizer)
    section = {"kind": "sgd", "learning_rate": 0.1}
    training = Training(optimizer=section, batch_size=4, **{"max_steps": 6, **settings})
    return Trainer(model, optimizer, SQUARED, layout, data, training)


def test_a_regression_is_trained_and_measured(tmp_path):
    trainer = regression(stop_at_accuracy=None)
    data, start = trainer.data, copy.deepcopy(trainer.model)
    names = metric_names(SQUARED, trainer.layout)
    record = functools.partial(explaind.record, trainer.model, trainer.optimizer, SQUARED.loss_fn)
    with record(tmp_path / "history.zarr", metrics=names) as recorder:
        trainer.run(recorder)
    stored = open_sealed(tmp_path / "history.zarr")
    assert [name for name in names if "norm" not in name] == ["train_loss", "validation_loss"]

    def loss(model, x, y):
        return float((model(x)[:, 0] - y).square().mean().detach())

    first, last = (stored["metric_validation_loss"].values[point] for point in (0, -1))
    assert first == pytest.approx(loss(start, data.x_validation, data.y_validation))
    assert last == pytest.approx(loss(trainer.model, data.x_validation, data.y_validation))
    last = stored["metric_train_loss"].values[-1]
    assert last == pytest.approx(loss(trainer.model, data.x_train, data.y_train))
    assert last < loss(start, data.x_train, data.y_train)


def test_a_task_without_accuracy_cannot_stop_at_one():
    with pytest.raises(ConfigError, match=r"stop_at_accuracy: expected null.* only loss"):
        regression(stop_at_accuracy=0.9)


def test_the_interval_is_as_configured_or_balanced():
    trainer = regression(stop_at_accuracy=None, max_steps=100)
    given = trainer.settings.model_copy(update={"history": History(every=7)})
    assert checkpoint_interval(given, 8, trainer.optimizer, trainer.layout) == 7
    auto = trainer.settings.model_copy(update={"history": History(every="auto")})
    # plain SGD keeps nothing: a snapshot and a step are one vector each
    assert checkpoint_interval(auto, 8, trainer.optimizer, trainer.layout) == 10
    adam = torch.optim.Adam(trainer.model.parameters())  # three vectors and two
    assert checkpoint_interval(auto, 8, adam, trainer.layout) == round((100 * 3 / 2) ** 0.5)
