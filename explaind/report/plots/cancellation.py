"""Figures of influences that cancel: by sign and class, for the whole run and over time."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from explaind.report.plots.phase_marks import mark_phases
from explaind.report.plots.theme import (
    COMPONENTS,
    DIVERGING,
    INK,
    label_axes,
    label_step_axes,
    mark_zero,
    new_figure,
)
from explaind.report.tables.cancellation import ALL, OTHER, SAME, by_interval, whole_run
from explaind.report.tables.phases import Phases
from explaind.report.text import axis_title, signed

Names = Mapping[str, str]
"""What `SAME`, `OTHER` and `ALL` are called on a page."""

RAISED, LOWERED = DIVERGING[-1][1], DIVERGING[0][1]  # as on the maps
NET_COLOURS = {SAME: COMPONENTS[1], OTHER: COMPONENTS[4]}
DIAMOND = {"symbol": "diamond", "size": 10}
GAP = 0.86  # width of a bar, as a share of its interval


def cancellation_figure(table: pd.DataFrame, names: Names, unit: str) -> go.Figure:
    """Draw what raised and what lowered the output, and the net that is left, by class.

    Args:
        table: the table of `cancellation`, not empty.
        names: what the groups of classes are called.
        unit: unit of the explained output.

    Returns:
        The figure.
    """
    rows = whole_run(table)
    classes = [f"{names[str(group)]}<br>net {signed(net)}" for group, net in rows["net"].items()]
    figure = new_figure()
    for column, colour in (("raised", RAISED), ("lowered", LOWERED)):
        figure.add_bar(
            y=classes,
            x=rows[column].to_numpy(),
            name=column,
            orientation="h",
            marker={"color": colour, "opacity": 0.75},
            hovertemplate="%{x:+.4g}",
        )
    figure.add_scatter(
        y=classes,
        x=rows["net"].to_numpy(),
        name="net",
        mode="markers",
        marker={**DIAMOND, "color": INK, "line": {"color": "#ffffff", "width": 1.5}},
        hovertemplate="%{x:+.4g}",
    )
    figure.update_layout(barmode="relative", hovermode="y unified")
    label_axes(figure, axis_title("influence", unit, "", "+ = raised"), "")
    figure.update_yaxes(autorange="reversed")
    figure.update_xaxes(tickformat=",~g")
    figure.add_vline(x=0, line={"color": INK, "width": 1})
    return figure


def interval_figure(
    table: pd.DataFrame, names: Names, unit: str, credit: str, phases: Phases
) -> go.Figure:
    """Draw the net influence of both groups of classes in every interval, and their sum.

    Args:
        table: the table of `cancellation`, with intervals.
        names: what the groups of classes are called.
        unit: unit of the explained output.
        credit: the step that influence is booked at.
        phases: the steps to mark.

    Returns:
        The figure.
    """
    rows = dict(iter(by_interval(table).groupby("classes")))
    start, stop = (rows[ALL][end].to_numpy(dtype=np.int64) for end in ("start", "stop"))
    middle, last = (start + stop - 1) / 2, int(stop.max())
    figure = new_figure()
    for classes, colour in NET_COLOURS.items():
        if classes not in rows:  # targets are no classes
            continue
        figure.add_bar(
            x=middle,
            y=rows[classes]["net"].to_numpy(),
            width=GAP * (stop - start),
            customdata=rows[classes]["gross"].to_numpy(),
            name=names[classes],
            marker={"color": colour, "opacity": 0.8},
            hovertemplate="%{y:+.4g} (of %{customdata:.4g} in absolute value)",
        )
    figure.add_scatter(
        x=middle,
        y=rows[ALL]["net"].to_numpy(),
        name=names[ALL],
        mode="lines+markers",
        line={"color": INK, "width": 1.5},
        marker=DIAMOND,
        hovertemplate="%{y:+.4g}",
    )
    figure.update_layout(barmode="relative")
    label_step_axes(figure, axis_title("net influence", unit, "per interval", "+ = raised"), credit)
    mark_zero(figure)
    mark_phases(figure, phases, last)
    return figure
