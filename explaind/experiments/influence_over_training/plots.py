"""Plots of influence over training: every component step by step, and the balance."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from explaind.experiments.influence_over_training.tables import OverTrainingTables
from explaind.experiments.similarity.cosines import FUNCTIONALS
from explaind.report.choices import Choice, show_first
from explaind.report.plots.phase_marks import mark_phases
from explaind.report.plots.steps import COMPONENT_TITLES
from explaind.report.plots.theme import (
    MUTED,
    STEP_TITLE,
    add_line,
    bulk_range,
    component_styles,
    label_step_axes,
    mark_zero,
    new_figure,
    thin,
    use_log_axis,
)
from explaind.report.tables.steps import moving_average
from explaind.report.text import axis_title, words

MAX_POINTS = 2000
"""Steps drawn of each line, evenly spaced; the table beside the page has all."""

QUANTITIES = {
    "absolute": "Ψ: influences of single training samples, sizes added up",
    "net": "net: influences of single training samples, with sign",
    "data": "training data in all, with sign",
    "data_absolute": "training data in all, size",
    "decay": "regularisation, with sign",
    "decay_absolute": "regularisation, size",
}
"""The columns of the table of steps, as the page calls them."""


def quantity_choice(steps: pd.DataFrame) -> Choice:
    """Return the choice of what is drawn, of what the run kept, with the step it is booked at."""
    kept = [name for name in QUANTITIES if steps[name].notna().any()]
    titles = {name: f"{QUANTITIES[name]} ({words(COMPONENT_TITLES[name][1])})" for name in kept}
    return Choice("quantity", "Quantity", titles)


def smoothing_choice(windows: Sequence[int]) -> Choice:
    """Return the choice of the moving average, the longest but one first."""
    names = {str(k): "none: single steps" if k == 1 else f"over {k} steps" for k in windows}
    first = str(windows[-2:][0])
    return Choice("smoothing", "Moving average", {first: names[first], **names})


def steps_figure(tables: OverTrainingTables, choices: tuple[Choice, Choice]) -> go.Figure:
    """Draw every quantity of every component over the steps, for every moving average.

    Args:
        tables: all numbers.
        choices: those of quantity and moving average.

    Returns:
        The figure.
    """
    quantities, windows = choices
    figure = new_figure(420)
    layouts = {}
    for quantity in quantities.options:
        wide = tables.steps.pivot_table(
            index="step", columns="component", values=quantity, sort=False, dropna=False
        )
        steps = thin(wide.reset_index(), MAX_POINTS)["step"]
        styles = component_styles([str(name) for name in wide.columns])
        for window in windows.options:
            smooth = pd.DataFrame(
                moving_average(wide.to_numpy(), int(window)), wide.index, wide.columns
            )
            for name, style in styles.items():
                meta = {"quantity": quantity, "smoothing": window}
                add_line(figure, steps, smooth.loc[steps, name], name, style, meta=meta)
        title, credit, sign = COMPONENT_TITLES[quantity]
        ends = bulk_range([wide[name].dropna().to_numpy() for name in wide.columns])
        layouts[quantity] = {
            "xaxis.title.text": f"{STEP_TITLE} ({words(credit)})",
            "yaxis.title.text": axis_title(title, tables.unit, "per step", sign),
            **({"yaxis.range": ends} if ends else {"yaxis.autorange": True}),
        }
    label_step_axes(figure, "")
    mark_zero(figure)
    mark_phases(figure, tables.phases, tables.last_step)
    show_first(figure, choices, {quantities.name: layouts})
    return figure


def functional_choice() -> Choice:
    """Return the choice of what is explained, its target first."""
    return Choice("functional", "Explained output", dict(reversed(FUNCTIONALS.items())))


def ratio_figure(tables: OverTrainingTables, choice: Choice) -> go.Figure:
    """Return the size of the data part over that of the regularisation part, by component."""
    figure = _balance_figure(tables, "ratio", choice)
    label_step_axes(figure, "training data / regularisation (log scale)", "application_step")
    use_log_axis(figure)
    figure.add_hline(y=1, line={"color": MUTED, "width": 1})
    return _finish(figure, tables, choice)


def difference_figure(tables: OverTrainingTables, choice: Choice) -> go.Figure:
    """Return `D(Theta)`, the parameter-wise difference of both parts, by component."""
    figure = _balance_figure(tables, "difference", choice)
    title = axis_title("D(Θ)", tables.unit, "per interval", "+ = training data larger")
    label_step_axes(figure, title, "application_step")
    mark_zero(figure)
    return _finish(figure, tables, choice)


def _balance_figure(tables: OverTrainingTables, measure: str, choice: Choice) -> go.Figure:
    figure = new_figure(400)
    styles = component_styles([str(name) for name in tables.balance["component"].unique()[1:]])
    keys = [choice.name, "component"]
    for (functional, component), rows in tables.balance.groupby(keys, sort=False):
        if str(component) not in styles:
            continue  # all of them together dwarf each one
        figure.add_scatter(
            x=((rows["start"] + rows["stop"] - 1) / 2).to_numpy(),
            y=rows[measure].to_numpy(dtype=np.float32),
            customdata=np.stack([rows["start"], rows["stop"] - 1], axis=-1),
            name=str(component),
            mode="lines+markers",
            marker={"size": 4},
            line=styles[str(component)],
            hovertemplate="%{y:.4g} (steps %{customdata[0]} to %{customdata[1]})",
            meta={choice.name: str(functional)},
        )
    return figure


def _finish(figure: go.Figure, tables: OverTrainingTables, choice: Choice) -> go.Figure:
    mark_phases(figure, tables.phases, tables.last_step)
    show_first(figure, (choice,), {})
    return figure
