"""Curves of the training metrics."""

import pandas as pd
import plotly.graph_objects as go

from explaind.report.page import Plot
from explaind.report.plots.phase_marks import mark_phases
from explaind.report.plots.theme import (
    DECAY,
    INK,
    STEP_TITLE,
    TRAIN,
    VALIDATION,
    add_line,
    component_styles,
    label_axes,
    new_figure,
    thin,
    use_log_axis,
)
from explaind.report.tables.phases import Phases, find_phases, has_accuracy

NORM_PREFIX = "parameter_norm_"


def learning_plots(metrics: pd.DataFrame) -> tuple[Plot, ...]:
    """Plot loss and, where it was measured, accuracy.

    Args:
        metrics: the metrics table, one row per step.

    Returns:
        One or two plots.
    """
    phases = find_phases(metrics)
    loss = Plot("loss", loss_figure(metrics, phases), "Loss")
    if not has_accuracy(metrics):
        return (loss,)
    return (loss, Plot("accuracy", accuracy_figure(metrics, phases), "Accuracy"))


def norm_plots(metrics: pd.DataFrame) -> tuple[Plot, ...]:
    """Plot the norm of the parameters, of all and of each component.

    Args:
        metrics: the metrics table, one row per step.

    Returns:
        The plots.
    """
    phases = find_phases(metrics)
    return (
        Plot("norm", norm_figure(metrics, phases), "All parameters"),
        Plot("component-norm", component_norm_figure(metrics, phases), "By component"),
    )


def schedule_plots(metrics: pd.DataFrame) -> tuple[Plot, ...]:
    """Plot learning rate and weight decay.

    Args:
        metrics: the metrics table, one row per step.

    Returns:
        The plots.
    """
    phases = find_phases(metrics)
    return (
        Plot("learning-rate", learning_rate_figure(metrics, phases), "Learning rate"),
        Plot("weight-decay", weight_decay_figure(metrics, phases), "Weight decay"),
    )


def loss_figure(metrics: pd.DataFrame, phases: Phases) -> go.Figure:
    """Return the mean loss of both splits, logarithmic, in nat per sample."""
    figure = _split_figure(metrics, "loss", phases)
    label_axes(figure, STEP_TITLE, "mean loss (nat per sample, log scale)")
    use_log_axis(figure)
    return figure


def accuracy_figure(metrics: pd.DataFrame, phases: Phases) -> go.Figure:
    """Return the accuracy of both splits, as a share of 1."""
    figure = _split_figure(metrics, "accuracy", phases)
    label_axes(figure, STEP_TITLE, "accuracy (fraction of samples)", range=[-0.02, 1.04])
    return figure


def norm_figure(metrics: pd.DataFrame, phases: Phases) -> go.Figure:
    """Return the L2 norm of all parameters."""
    lines = {"parameter_norm": ("all parameters", {"color": INK, "width": 2})}
    return _figure(metrics, lines, phases, "L2 norm of all parameters")


def component_norm_figure(metrics: pd.DataFrame, phases: Phases) -> go.Figure:
    """Return the L2 norm of the parameters of each component."""
    columns = [str(column) for column in metrics.columns]
    names = [name.removeprefix(NORM_PREFIX) for name in columns if name.startswith(NORM_PREFIX)]
    styles = component_styles(names)
    lines = {NORM_PREFIX + name: (name, style) for name, style in styles.items()}
    return _figure(metrics, lines, phases, "L2 norm of each component")


def learning_rate_figure(metrics: pd.DataFrame, phases: Phases) -> go.Figure:
    """Return the learning rate of the first parameter group."""
    lines = {"learning_rate": ("learning rate", {"color": TRAIN, "width": 2, "shape": "hv"})}
    return _figure(metrics, lines, phases, "learning rate", 280, rangemode="tozero")


def weight_decay_figure(metrics: pd.DataFrame, phases: Phases) -> go.Figure:
    """Return the weight decay coefficient of the first parameter group."""
    lines = {"weight_decay": ("weight decay", {"color": DECAY, "width": 2, "shape": "hv"})}
    return _figure(metrics, lines, phases, "weight decay coefficient", 280, rangemode="tozero")


def _split_figure(metrics: pd.DataFrame, quantity: str, phases: Phases) -> go.Figure:
    colours = {"train": TRAIN, "validation": VALIDATION}
    lines = {
        f"{split}_{quantity}": (split, {"color": colour, "width": 2})
        for split, colour in colours.items()
    }
    return _figure(metrics, lines, phases, quantity)


def _figure(
    metrics: pd.DataFrame,
    lines: dict[str, tuple[str, dict[str, object]]],
    phases: Phases,
    title: str,
    height: int = 340,
    **y_axis: object,
) -> go.Figure:
    """Return columns of the table, each with its name and style."""
    figure = new_figure(height)
    rows = thin(metrics)
    for column, (name, style) in lines.items():
        add_line(figure, rows["step"], rows[column], name, style)
    label_axes(figure, STEP_TITLE, title, **y_axis)
    mark_phases(figure, phases, int(metrics["step"].iloc[-1]))
    return figure
