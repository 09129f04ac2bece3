"""Plots of the page on frequencies."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from explaind.report.choices import Choice, show_first
from explaind.report.plots.phase_marks import mark_phases
from explaind.report.plots.theme import (
    DATA,
    MUTED,
    VERMILLION,
    label_axes,
    label_step_axes,
    new_figure,
)
from explaind.report.tables.phases import Phases

FREQUENCY = "frequency k, waves per p numbers"
MOST_SHARE = 0.5  # of the power, where the colours over training end


def share_figure(spectrum: pd.DataFrame, choices: tuple[Choice, ...]) -> go.Figure:
    """Draw the power of every frequency, over the whole run or of the trained network.

    Args:
        spectrum: rows of one source.
        choices: the choices of the panel, named like columns of the table.

    Returns:
        The figure.
    """
    figure, names = new_figure(380), [choice.name for choice in choices]
    whole = spectrum[spectrum["interval"] == 0]
    for values, rows in whole.groupby(names, sort=False):
        lasso = rows["lasso_share"].to_numpy(dtype=np.float32)
        meta = dict(zip(names, values, strict=True))
        figure.add_bar(
            x=rows["frequency"].to_numpy(),
            y=rows["share"].to_numpy(dtype=np.float32),
            name="projection (Fourier)",
            marker={"color": DATA},
            hovertemplate="%{y:.3f}",
            meta=meta,
        )
        figure.add_scatter(
            x=rows["frequency"].to_numpy(),
            y=lasso,
            name="Lasso",
            mode="markers",
            marker={
                "color": VERMILLION,
                "symbol": np.where(lasso > 0, "circle", "circle-open").tolist(),
                "size": 6,
            },
            hovertemplate="%{y:.3f}",
            meta=meta,
        )
    label_axes(figure, FREQUENCY, "share of the power", rangemode="tozero")
    show_first(figure, choices, {})
    return figure


def training_figure(
    spectrum: pd.DataFrame, choices: tuple[Choice, ...], phases: Phases, credit: str = ""
) -> go.Figure:
    """Draw the power of every frequency over training.

    Args:
        spectrum: rows of one source.
        choices: the choices of the panel, named like columns of the table.
        phases: the steps to mark.
        credit: the step that influence is booked at, where it is drawn.

    Returns:
        The figure.
    """
    figure, names = new_figure(380), [choice.name for choice in choices]
    single = spectrum[spectrum["interval"] > 0]
    for values, rows in single.groupby(names, sort=False):
        wide = rows.pivot_table(index="frequency", columns=["start", "stop"], values="share")
        bounds = np.array(wide.columns.tolist())
        figure.add_heatmap(
            x=bounds.mean(1),
            y=wide.index.to_numpy(),
            z=wide.to_numpy(dtype=np.float32),
            zmin=0,
            zmax=MOST_SHARE,
            colorscale="Blues",
            colorbar={
                "title": {"text": "share of the power", "side": "top", "font": {"color": MUTED}},
                "orientation": "h",  # above the map and its marks, so that phones leave it room
                "y": 1.09,
                "yanchor": "bottom",
                "len": 0.8,
                "thickness": 12,
                "outlinewidth": 0,
                "tickvals": [0, MOST_SHARE / 2, MOST_SHARE],
                "ticktext": ["0", f"{MOST_SHARE / 2:g}", f"≥ {MOST_SHARE:g}"],
            },
            hovertemplate="k = %{y}, step %{x:.0f}: %{z:.3f}<extra></extra>",
            meta=dict(zip(names, values, strict=True)),
        )
    label_step_axes(figure, FREQUENCY, credit)
    figure.update_layout(hovermode="closest", margin={"t": 100})
    figure.update_xaxes(showgrid=False)
    figure.update_yaxes(showgrid=False)
    mark_phases(figure, phases, int(single["stop"].max()))
    # the cells would hide lines, and bands the cells
    figure.update_shapes(layer="above", selector={"type": "line"})
    show_first(figure, choices, {})
    return figure
