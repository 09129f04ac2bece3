"""A training without some samples, against a plain loop written here."""

import pytest
import torch
from torch.nn import functional

from explaind.config.load import load_config
from explaind.config.stages import stage_config
from explaind.data.load import load_dataset
from explaind.history.history import History
from explaind.models.registry import build_model
from explaind.paths import Paths
from explaind.pipeline.prepare import prepare_dataset
from explaind.store import stored_attributes
from explaind.training.order import epoch_order
from explaind.training.train import record_training, train

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
    """The loop of the issue: same start, same batches, the removed samples missing in them."""
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
    history = History(tmp_path / "history.zarr")
    seen = {i for step in range(history.steps) for i in history.batch(step).tolist()}
    assert seen == set(range(len(data.y_train))) - set(removed)


def test_training_with_all_samples_is_the_run(project, tmp_path):
    config, paths, data = project
    train(config, paths, "grokking")
    stage = stage_config(config, "train", "grokking")
    model = record_training(config.runs["grokking"], data, tmp_path / "history.zarr", stage)
    history = History(paths.history("grokking"))
    assert torch.equal(history.theta(7), history.layout.flatten(dict(model.named_parameters())))
