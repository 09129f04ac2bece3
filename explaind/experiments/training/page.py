"""Pages of kind `training`: the metrics of a training run in detail."""

from dataclasses import replace
from pathlib import Path

import pandas as pd

from explaind.config import Config
from explaind.config.stages import pages_of_run
from explaind.paths import Paths
from explaind.report.page import Fact, Page, Panel, Plot, write_page, write_table
from explaind.report.plots import curves
from explaind.report.plots.phase_marks import HELD
from explaind.report.tables.phases import find_phases
from explaind.report.tables.run import read_metrics
from explaind.report.text import number, percent, step


def write_training(config: Config, paths: Paths, figure: str) -> None:
    """Read the metrics of the run, write their table and the page.

    Args:
        config: the resolved configuration.
        paths: where the project keeps its files.
        figure: name of the figure.

    Raises:
        StoreError: if the metrics are missing or unreadable.
    """
    run = config.figures[figure].run
    metrics = read_metrics(paths.metrics(run))
    file = write_table(metrics, paths.table(figure, "metrics", "csv"))
    page = training_page(figure, run, metrics, file)
    write_page(replace(page, pages=pages_of_run(config, run)), paths.figure(figure))


def training_page(figure: str, run: str, metrics: pd.DataFrame, file: Path) -> Page:
    """Put the page together.

    Args:
        figure: name of the figure.
        run: name of the run.
        metrics: one row per step.
        file: the file that the metrics were written to.
    """
    return Page(
        name=figure,
        title="Training curves",
        subtitle=f"Run “{run}”",
        lead=(
            '<p class="lead">What was measured after every update of the parameters. Row 0 is '
            "the untrained network; dashed lines mark the first steps from which training "
            f"(memorised) and validation accuracy (generalised) stay at {HELD}.</p>"
        ),
        facts=_facts(metrics),
        panels=(
            _learning_panel(metrics, file),
            _norm_panel(metrics, file),
            _schedule_panel(metrics, file),
        ),
    )


def _facts(metrics: pd.DataFrame) -> tuple[Fact, ...]:
    last, phases = metrics.iloc[-1], find_phases(metrics)
    return (
        Fact("Training steps", step(int(last["step"]))),
        Fact("Memorised at step", step(phases.memorisation)),
        Fact("Generalised at step", step(phases.generalisation)),
        Fact("Final training loss", number(last["train_loss"]), "nat per sample"),
        Fact("Final validation loss", number(last["validation_loss"]), "nat per sample"),
        Fact("Final training accuracy", percent(last["train_accuracy"])),
        Fact("Final validation accuracy", percent(last["validation_accuracy"])),
    )


def _learning_panel(metrics: pd.DataFrame, file: Path) -> Panel:
    phases = find_phases(metrics)
    return Panel(
        title="Loss and accuracy",
        caption=(
            "Mean negative log-probability of the correct answer (logarithmic axis, lower is "
            "better) and share of correct answers, for data that are trained on and for "
            "validation data that are not."
        ),
        plots=(
            Plot("loss", curves.loss_figure(metrics, phases), "Loss"),
            Plot("accuracy", curves.accuracy_figure(metrics, phases), "Accuracy"),
        ),
        tables=(file,),
    )


def _norm_panel(metrics: pd.DataFrame, file: Path) -> Panel:
    phases = find_phases(metrics)
    return Panel(
        title="Parameter norms",
        caption=(
            "Euclidean length of the vector of all parameters and of those of each component, "
            "without unit."
        ),
        plots=(
            Plot("norm", curves.norm_figure(metrics, phases), "All parameters"),
            Plot("component-norm", curves.component_norm_figure(metrics, phases), "By component"),
        ),
        tables=(file,),
    )


def _schedule_panel(metrics: pd.DataFrame, file: Path) -> Panel:
    phases = find_phases(metrics)
    return Panel(
        title="Optimizer settings",
        caption=(
            "Learning rate and weight decay coefficient as the optimizer used them at each step; "
            "constant lines mean that there was no schedule."
        ),
        plots=(
            Plot("learning-rate", curves.learning_rate_figure(metrics, phases), "Learning rate"),
            Plot("weight-decay", curves.weight_decay_figure(metrics, phases), "Weight decay"),
        ),
        tables=(file,),
    )
