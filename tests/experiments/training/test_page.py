"""The page on a training, with and without accuracy."""

from pathlib import Path

import numpy as np
import pytest

from explaind.experiments.training.page import draw
from explaind.experiments.training.tables import TrainingTables
from explaind.report.html import render
from explaind.report.page import About
from tests.report.synthetic import SyntheticRun, metrics

ABOUT = About("training", "Training curves", "grokking", {"metrics": Path("training_metrics.csv")})


@pytest.fixture
def table():
    return metrics(SyntheticRun(), np.random.default_rng(0))


def plots(page):
    return [plot.id for panel in page.panels for plot in panel.plots]


def test_page_shows_every_metric(table):
    page = draw(TrainingTables(table), ABOUT)
    assert plots(page) == [
        *("loss", "accuracy", "norm", "component-norm", "learning-rate", "weight-decay")
    ]
    assert page.panels[0].title == "Loss and accuracy"
    labels = [fact.label for fact in page.facts]
    assert labels[:3] == ["Training steps", "Memorised at step", "Generalised at step"]
    assert labels[-2:] == ["Final training loss", "Final validation loss"]


def test_a_run_without_accuracy_has_no_phases(table):
    without = table.drop(columns=["train_accuracy", "validation_accuracy"])
    page = draw(TrainingTables(without), ABOUT)
    assert plots(page) == ["loss", "norm", "component-norm", "learning-rate", "weight-decay"]
    assert page.panels[0].title == "Loss"
    assert not any(plot.figure.layout.shapes for panel in page.panels for plot in panel.plots)
    html = render("page.html", page=page, pages={})
    body = html[html.index("<body>") :].lower()
    for word in ("accuracy", "memorised", "generalised", "predicted"):
        assert word not in body
