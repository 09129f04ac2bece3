"""Curves of the training metrics."""

from collections.abc import Mapping
from typing import Unpack

import pandas as pd
import plotly.graph_objects as go

from explaind.report.page import Plot
from explaind.report.plots.phase_marks import mark_phases
from explaind.report.plots.theme import (
    DECAY,
    INK,
    TRAIN,
    VALIDATION,
    YAxis,
    add_line,
    component_styles,
    label_step_axes,
    new_figure,
    thin,
    use_log_axis,
)
from explaind.report.tables.metrics import by_split, component_norms, has_accuracy, unit_of_metric
from explaind.report.tables.phases import Phases, find_phases
from explaind.report.text import axis_title

SETTING = {"width": 2, "shape": "hv"}  # constant from one step to the next


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
    """Return the mean loss of both splits, logarithmic, in its unit per sample."""
    unit = unit_of_metric(metrics, "loss")
    title = axis_title("mean loss", unit, "per sample", "log scale")
    figure = _split_figure(metrics, "loss", phases, title)
    use_log_axis(figure)
    return figure


def accuracy_figure(metrics: pd.DataFrame, phases: Phases) -> go.Figure:
    """Return the accuracy of both splits, as a share of 1."""
    title = "accuracy (fraction of samples)"
    return _split_figure(metrics, "accuracy", phases, title, range=[-0.02, 1.04])


def norm_figure(metrics: pd.DataFrame, phases: Phases) -> go.Figure:
    """Return the L2 norm of all parameters."""
    line = (metrics["parameter_norm"], {"color": INK, "width": 2})
    return _figure(metrics, {"all parameters": line}, phases, "L2 norm of all parameters")


def component_norm_figure(metrics: pd.DataFrame, phases: Phases) -> go.Figure:
    """Return the L2 norm of the parameters of each component."""
    norms = component_norms(metrics)
    styles = component_styles(list(norms.columns))
    lines = {name: (norms[name], style) for name, style in styles.items()}
    return _figure(metrics, lines, phases, "L2 norm of each component")


def learning_rate_figure(metrics: pd.DataFrame, phases: Phases) -> go.Figure:
    """Return the learning rate of the first parameter group."""
    line = (metrics["learning_rate"], {"color": TRAIN, **SETTING})
    return _figure(metrics, {"learning rate": line}, phases, "learning rate", rangemode="tozero")


def weight_decay_figure(metrics: pd.DataFrame, phases: Phases) -> go.Figure:
    """Return the weight decay coefficient of the first parameter group."""
    line = (metrics["weight_decay"], {"color": DECAY, **SETTING})
    title = "weight decay coefficient"
    return _figure(metrics, {"weight decay": line}, phases, title, rangemode="tozero")


def _split_figure(
    metrics: pd.DataFrame, name: str, phases: Phases, title: str, **y_axis: Unpack[YAxis]
) -> go.Figure:
    styles = ({"color": TRAIN}, {"color": VALIDATION, "dash": "dash"})
    lines = {
        split: (values, {**style, "width": 2})
        for (split, values), style in zip(by_split(metrics, name).items(), styles, strict=True)
    }
    return _figure(metrics, lines, phases, title, **y_axis)


def _figure(
    metrics: pd.DataFrame,
    lines: Mapping[str, tuple[pd.Series, Mapping[str, object]]],
    phases: Phases,
    title: str,
    **y_axis: Unpack[YAxis],
) -> go.Figure:
    """Return lines over the steps, each with its name, values and style."""
    figure = new_figure()
    steps = thin(metrics)["step"]
    for name, (values, style) in lines.items():
        add_line(figure, steps, values.loc[steps.index], name, dict(style))
    label_step_axes(figure, title, **y_axis)
    mark_phases(figure, phases, int(metrics["step"].iloc[-1]))
    return figure
