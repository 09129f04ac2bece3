"""Numbers that describe a model."""

import pytest
import torch
from torch import nn

from explaind.history.layout import ParameterLayout
from explaind.training import metrics
from explaind.training.metrics import evaluate, metric_names, parameter_norms
from explaind.training.task import Task, task_of

CLASSES = task_of("cross_entropy")


@pytest.fixture
def model():
    return nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))


@pytest.fixture
def layout(model):
    return ParameterLayout.of(model, torch.optim.SGD(model.parameters(), lr=0.1))


def test_names_are_those_of_both_splits_and_of_all_components(layout):
    assert metric_names(CLASSES, layout) == [
        "train_loss",
        "train_accuracy",
        "validation_loss",
        "validation_accuracy",
        "parameter_norm",
        "parameter_norm_0",
        "parameter_norm_1",
    ]
    regression = Task(nn.functional.mse_loss)
    assert metric_names(regression, layout)[:2] == ["train_loss", "validation_loss"]


def test_squares_of_the_norms_add_up(model, layout):
    norms = parameter_norms(layout, model)
    parts = [norms[f"parameter_norm_{component}"] for component in layout.components]
    assert sum(part**2 for part in parts) == pytest.approx(norms["parameter_norm"] ** 2)
    first = sum(float(p.detach().double().square().sum()) for p in model[0].parameters())
    assert parts[0] == pytest.approx(first**0.5)


def test_blocks_change_nothing(model, monkeypatch):
    x, y = torch.randn(7, 3), torch.randint(2, (7,))
    whole = evaluate(model, x, y, CLASSES)
    assert whole == pytest.approx(CLASSES.measure(model(x).detach(), y))
    monkeypatch.setattr(metrics, "BLOCK", 3)
    assert evaluate(model, x, y, CLASSES) == pytest.approx(whole)
