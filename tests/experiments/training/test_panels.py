"""Panels of the page on a training: one credit, named on the axes; what was not kept."""

from pathlib import Path

import numpy as np
import pytest

from explaind.experiments.training import panels
from explaind.experiments.training.tables import TrainingTables
from explaind.report.page import About
from explaind.report.tables.explained import explained_output
from explaind.report.tables.steps import decomposition_by_step, influence_by_component
from tests.report.synthetic import SyntheticRun, influence_dataset, metrics

FILES = dict.fromkeys(("metrics", "decomposition", "components", "cancellation"), Path("t.csv"))
ABOUT = About("training", "How it learned", "grokking", FILES)


def tables_of(smoothing=5, **case):
    run, random = SyntheticRun(p=3, steps=30, intervals=2, **case), np.random.default_rng(0)
    influence, table = influence_dataset(run, random), metrics(run, random)
    return TrainingTables(
        metrics=table,
        explained=explained_output(influence, table),
        decomposition=decomposition_by_step(influence),
        components=influence_by_component(influence),
        smoothing=smoothing,
    )


@pytest.mark.parametrize("credit", ["gradient_step", "application_step"])
def test_sizes_and_signs_through_components_are_of_the_same_step(credit):
    panel = panels.component_panel(tables_of(credit=credit), ABOUT)
    titles = {plot.figure.layout.xaxis.title.text for plot in panel.plots}
    assert titles == {f"training step ({credit.replace('_', ' ')})"}
    assert len(panel.plots) == 2


@pytest.mark.parametrize(
    ("credit", "key"), [("gradient_step", "absolute"), ("application_step", "step_component")]
)
def test_what_was_not_kept_is_named(credit, key):
    panel = panels.component_panel(tables_of(credit=credit, keep=("influence",)), ABOUT)
    assert not panel.plots
    assert f"<code>{key}</code>" in panel.extra


def test_smoothing_can_be_switched_where_there_is_any():
    smooth = panels.decomposition_panel(tables_of(smoothing=4), FILES)
    assert "moving average over 5 steps" in smooth.controls.replace("\n", " ")
    assert 'data-swap="decomposition-step"' in smooth.controls
    assert not panels.decomposition_panel(tables_of(smoothing=1), FILES).controls


def test_metrics_are_drawn_by_component_and_setting():
    tables = tables_of()
    norms = panels.norm_panel(tables, FILES)
    assert [len(plot.figure.data) for plot in norms.plots] == [1, 6]
    settings = panels.schedule_panel(tables, FILES)
    assert [plot.id for plot in settings.plots] == ["learning-rate", "weight-decay"]
