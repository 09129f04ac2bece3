"""Figures over training steps: influence per component, decomposition per step, residual."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from explaind.report.plots.phase_marks import mark_phases
from explaind.report.plots.theme import (
    DATA,
    DECAY,
    RESIDUAL,
    TRUE,
    add_line,
    component_styles,
    label_step_axes,
    mark_zero,
    new_figure,
    show_bulk,
    thin,
    use_log_axis,
    use_whole_ticks,
)
from explaind.report.tables.phases import Phases
from explaind.report.tables.steps import moving_average
from explaind.report.text import axis_title

COMPONENT_TITLES = {
    "absolute": ("Ψ, sum of |influence|", "gradient_step", ""),
    "net": ("net influence", "gradient_step", "+ = raised"),
    "data": ("training data", "application_step", "+ = raised"),
    "data_absolute": ("|training data|", "application_step", ""),
    "decay": ("regularisation", "application_step", "+ = raised"),
    "decay_absolute": ("|regularisation|", "application_step", ""),
}
"""Quantity, credit and sign of each column of `influence_by_component`."""

MOTION = "application_step"
"""The credit of a decomposition: what moves parameters in a step is what changes the output."""

TERM_STYLES = {
    "true": ("true change", TRUE, "dot"),
    "data": ("training data", DATA, "solid"),
    "decay": ("regularisation", DECAY, "dash"),
    "residual": ("residual", RESIDUAL, "dashdot"),
}


def component_figure(
    table: pd.DataFrame, column: str, window: int, unit: str, phases: Phases
) -> go.Figure:
    """Draw what acted through each component at every step.

    Args:
        table: the table of `influence_by_component`.
        column: which of its columns.
        window: steps of the moving average; the raw numbers are in `customdata`.
        unit: unit of the explained output.
        phases: the steps to mark.

    Returns:
        The figure.
    """
    figure = new_figure(380)
    wide = table.pivot_table(
        index="step", columns="component", values=column, sort=False, dropna=False
    )
    smooth = pd.DataFrame(moving_average(wide.to_numpy(), window), wide.index, wide.columns)
    steps = thin(wide.reset_index())["step"]
    for name, style in component_styles([str(name) for name in wide.columns]).items():
        raw = wide.loc[steps, name].to_numpy(dtype=np.float32)
        add_line(figure, steps, smooth.loc[steps, name], name, style, customdata=raw)
    quantity, credit, sign = COMPONENT_TITLES[column]
    label_step_axes(figure, axis_title(quantity, unit, "per step", sign), credit)
    if sign:
        mark_zero(figure)
    else:
        figure.update_yaxes(rangemode="tozero")
    mark_phases(figure, phases, int(steps.iloc[-1]))
    show_bulk(figure)
    return figure


def decomposition_figure(table: pd.DataFrame, window: int, unit: str, phases: Phases) -> go.Figure:
    """Draw what training data and regularisation did at every step, and the true change.

    Args:
        table: the table of `decomposition_by_step`.
        window: steps of the moving average; the raw numbers are in `customdata`.
        unit: unit of the explained output.
        phases: the steps to mark.

    Returns:
        The figure.
    """
    figure = _term_figure(
        table, ("data", "decay", "true"), lambda term: moving_average(term, window), raw=True
    )
    label_step_axes(figure, axis_title("change", unit, "per step", "+ = raised"), MOTION)
    show_bulk(figure)
    return _finish(figure, table, phases)


def cumulative_figure(table: pd.DataFrame, unit: str, phases: Phases) -> go.Figure:
    """Return the decomposition added up since step 0; its three terms give the true change."""
    figure = _term_figure(table, ("data", "decay", "residual", "true"), np.cumsum)
    label_step_axes(figure, axis_title("change since step 0", unit, "", "+ = raised"), MOTION)
    return _finish(figure, table, phases)


def cumulative_residual_figure(table: pd.DataFrame, unit: str, phases: Phases) -> go.Figure:
    """Return the signed residual added up since the first step."""
    figure = _term_figure(table, ("residual",), np.cumsum)
    label_step_axes(figure, axis_title("residual since step 0", unit, "", "signed"), MOTION)
    return _finish(figure, table, phases)


def residual_figure(table: pd.DataFrame, unit: str, phases: Phases) -> go.Figure:
    """Return the size of the residual of every step beside the size of the true change."""
    return magnitude_figure(
        table.assign(true=table["true_absolute"], residual=table["residual_absolute"]),
        ("true", "residual"),
        unit,
        phases,
    )


def magnitude_figure(
    table: pd.DataFrame, terms: tuple[str, ...], unit: str, phases: Phases
) -> go.Figure:
    """Draw mean absolute values per step on a logarithmic axis.

    Args:
        table: one row per step, a column of mean absolute values per term.
        terms: the columns to draw.
        unit: unit of the explained output.
        phases: the steps to mark.

    Returns:
        The figure.
    """
    positive = table.assign(**{term: table[term].where(table[term] > 0) for term in terms})
    figure = _term_figure(positive, terms, np.asarray)
    label_step_axes(figure, axis_title("mean size", unit, "per step", "log scale"), MOTION)
    use_log_axis(figure)
    mark_phases(figure, phases, int(table["step"].iloc[-1]))
    return figure


def subinterval_figure(table: pd.DataFrame, phases: Phases) -> go.Figure:
    """Return into how many subintervals each step was cut: mean and maximum over samples."""
    figure = new_figure()
    rows = thin(table)
    columns = {
        "subintervals_max": ("largest of any sample", "#b9c0cc"),
        "subintervals_mean": ("mean", TRUE),
    }
    for column, (name, colour) in columns.items():
        add_line(figure, rows["step"], rows[column], name, {"color": colour, "width": 1.8})
    label_step_axes(figure, "subintervals per step", rangemode="tozero")
    use_whole_ticks(figure, int(table["subintervals_max"].max()))
    mark_phases(figure, phases, int(table["step"].iloc[-1]))
    return figure


def _term_figure(
    table: pd.DataFrame,
    terms: tuple[str, ...],
    transform: Callable[[np.ndarray], np.ndarray],
    raw: bool = False,
) -> go.Figure:
    figure = new_figure()
    drawn = table.assign(**{term: transform(table[term].to_numpy()) for term in terms})
    steps = thin(table).index
    for term in terms:
        name, colour, dash = TERM_STYLES[term]
        line = {"color": colour, "width": 1.8, "dash": dash}
        extra = {"customdata": table.loc[steps, term].to_numpy(dtype=np.float32)} if raw else {}
        add_line(figure, table.loc[steps, "step"], drawn.loc[steps, term], name, line, **extra)
    return figure


def _finish(figure: go.Figure, table: pd.DataFrame, phases: Phases) -> go.Figure:
    mark_zero(figure)
    mark_phases(figure, phases, int(table["step"].iloc[-1]))
    return figure
