"""Curves of the training metrics."""

import pandas as pd
import plotly.graph_objects as go

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
from explaind.report.tables.phases import Phases

NORM_PREFIX = "parameter_norm_"


def loss_figure(metrics: pd.DataFrame, phases: Phases) -> go.Figure:
    """Draw the mean loss of both splits, logarithmic, in nat per sample."""
    figure = _split_figure(metrics, "loss", phases, "mean loss (nat per sample, log scale)")
    use_log_axis(figure)
    return figure


def accuracy_figure(metrics: pd.DataFrame, phases: Phases) -> go.Figure:
    """Draw the accuracy of both splits, as a share of 1."""
    return _split_figure(
        metrics, "accuracy", phases, "accuracy (share of samples, 0 to 1)", range=[-0.02, 1.04]
    )


def norm_figure(metrics: pd.DataFrame, phases: Phases) -> go.Figure:
    """Draw the L2 norm of all parameters."""
    figure = new_figure()
    rows = thin(metrics)
    line = {"color": INK, "width": 2}
    add_line(figure, rows["step"], rows["parameter_norm"], "all parameters", line)
    label_axes(figure, STEP_TITLE, "L2 norm of all parameters (1, ≥ 0)")
    return _finish(figure, metrics, phases)


def component_norm_figure(metrics: pd.DataFrame, phases: Phases) -> go.Figure:
    """Draw the L2 norm of the parameters of each component."""
    figure = new_figure()
    rows = thin(metrics)
    components = norm_components(metrics)
    for name, style in component_styles(components).items():
        add_line(figure, rows["step"], rows[NORM_PREFIX + name], name, style)
    label_axes(figure, STEP_TITLE, "L2 norm per component (1, ≥ 0)")
    return _finish(figure, metrics, phases)


def norm_components(metrics: pd.DataFrame) -> list[str]:
    """Return the components whose norm was recorded, in the order of the table."""
    columns = [str(column) for column in metrics.columns]
    return [
        column.removeprefix(NORM_PREFIX) for column in columns if column.startswith(NORM_PREFIX)
    ]


def learning_rate_figure(metrics: pd.DataFrame, phases: Phases) -> go.Figure:
    """Draw the learning rate of the first parameter group."""
    figure = new_figure(280)
    rows = thin(metrics)
    line = {"color": TRAIN, "width": 2, "shape": "hv"}
    add_line(figure, rows["step"], rows["learning_rate"], "learning rate", line)
    label_axes(figure, STEP_TITLE, "learning rate (1 per step)", rangemode="tozero")
    return _finish(figure, metrics, phases)


def weight_decay_figure(metrics: pd.DataFrame, phases: Phases) -> go.Figure:
    """Draw the weight decay coefficient of the first parameter group."""
    figure = new_figure(280)
    rows = thin(metrics)
    line = {"color": DECAY, "width": 2, "shape": "hv"}
    add_line(figure, rows["step"], rows["weight_decay"], "weight decay", line)
    label_axes(figure, STEP_TITLE, "weight decay (1, times learning rate)", rangemode="tozero")
    return _finish(figure, metrics, phases)


def _split_figure(
    metrics: pd.DataFrame, quantity: str, phases: Phases, title: str, **y_axis: object
) -> go.Figure:
    figure = new_figure()
    rows = thin(metrics)
    for split, colour in (("train", TRAIN), ("validation", VALIDATION)):
        line = {"color": colour, "width": 2}
        add_line(figure, rows["step"], rows[f"{split}_{quantity}"], split, line)
    label_axes(figure, STEP_TITLE, title, **y_axis)
    return _finish(figure, metrics, phases)


def _finish(figure: go.Figure, metrics: pd.DataFrame, phases: Phases) -> go.Figure:
    mark_phases(figure, phases, int(metrics["step"].iloc[-1]))
    return figure
