"""The figures of the page about languages."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import xarray as xr
from jaxtyping import Float

from explaind.report.plots.heatmap import map_figure, robust_limit
from explaind.report.plots.theme import (
    DATA,
    DECAY,
    RESIDUAL,
    add_line,
    component_styles,
    label_axes,
    label_step_axes,
    new_figure,
)
from explaind.report.text import axis_title, measured, signed

ALL = "all components"
ROW_PIXELS, CELL_PIXELS = 16, 20
LONGEST = 14
"""Letters of a name on an axis."""

ROOM = 180
"""Pixels above a map, for its control and colours, and below it, for names."""

CONTROL_PIXELS = 70
"""Pixels between a map and the control above it: the colours lie there."""


def map_by_component(influence: xr.DataArray, unit: str) -> go.Figure:
    """Draw the map of languages over the whole run, with a menu of components.

    Args:
        influence: `[interval, component, explained, trained]`.
        unit: unit of the explained output.

    Returns:
        The figure.
    """
    whole = influence.sum("interval")
    maps = {ALL: whole.sum("component").to_numpy()}
    maps |= {str(name): whole.sel(component=name).to_numpy() for name in whole["component"].values}
    figure = _influence_map(influence, maps[ALL], unit)
    buttons = [_choice(name, values) for name, values in maps.items()]
    menu = {"buttons": buttons, "x": 0, "xanchor": "left", "yanchor": "bottom"}
    figure.update_layout(
        updatemenus=[{**menu, "y": 1 + CONTROL_PIXELS / _side(influence.sizes["explained"])}]
    )
    return figure


def map_by_interval(influence: xr.DataArray, unit: str) -> go.Figure:
    """Draw the map of languages through all components, with a slider of intervals.

    Args:
        influence: `[interval, component, explained, trained]`.
        unit: unit of the explained output.

    Returns:
        The figure.
    """
    by_interval = influence.sum("component").to_numpy()
    starts, stops = influence["start"].to_numpy(), influence["stop"].to_numpy()
    names = [f"{a} to {b - 1}" for a, b in zip(starts.tolist(), stops.tolist(), strict=True)]
    figure = _influence_map(influence, by_interval[0], unit)
    steps = [_choice(name, values) for name, values in zip(names, by_interval, strict=True)]
    slider = {"steps": steps, "yanchor": "bottom", "len": 0.94}
    figure.update_layout(
        sliders=[
            {
                **slider,
                "currentvalue": {"prefix": "steps "},
                "y": 1 + CONTROL_PIXELS / _side(influence.sizes["explained"]),
            }
        ]
    )
    return figure


def language_map(
    values: Float[np.ndarray, "explained trained"],
    names: Sequence[str],
    title: str,
    unit: str,
    above: int = CONTROL_PIXELS,
) -> go.Figure:
    """Draw a number of every pair of languages, those trained on as columns.

    Args:
        values: the numbers.
        names: the languages, of rows and columns alike.
        title: title of the colours, short enough for a phone.
        unit: unit of the numbers.
        above: pixels above the map.

    Returns:
        The figure.
    """
    figure, shown = map_figure(values.astype(np.float32), title), _short(names)
    limit, ticks, texts = _colours(values)
    figure.update_traces(
        zmin=-limit,
        zmax=limit,
        colorbar={"tickvals": ticks, "ticktext": texts},
        x=shown,
        y=shown,
        hovertemplate=f"%{{x}} on %{{y}}: {measured('%{z:+.3g}', unit)}<extra></extra>",
    )
    figure.update_xaxes(tickangle=-90, automargin=True)
    figure.update_yaxes(automargin=True, constraintoward="top")
    height = _side(len(names)) + above + ROOM
    figure.update_layout(height=height, margin={"t": above, "b": ROOM})
    return figure


def shares_figure(shares: pd.DataFrame) -> go.Figure:
    """Draw the shares of all components over training.

    Args:
        shares: columns `start`, `stop`, `component`, `share`.

    Returns:
        The figure.
    """
    figure = new_figure(420)
    styles = component_styles(list(dict.fromkeys(shares["component"])))
    for name, rows in shares.groupby("component", sort=False):
        middle = (rows["start"] + rows["stop"] - 1) / 2
        add_line(figure, middle, rows["share"], str(name), styles[str(name)])
    label_step_axes(figure, "share of absolute influence", "gradient_step", rangemode="tozero")
    return figure


def parts_figure(parts: pd.DataFrame, unit: str) -> go.Figure:
    """Draw the parts of the change of every language.

    Args:
        parts: columns `language`, `data`, `decay`, `residual`.
        unit: unit of the explained output.

    Returns:
        The figure.
    """
    figure = new_figure(max(300, ROW_PIXELS * len(parts) + 140))
    looks = {
        "training data": ("data", DATA),
        "regularisation": ("decay", DECAY),
        "residual": ("residual", RESIDUAL),
    }
    for name, (column, colour) in looks.items():
        figure.add_bar(
            y=parts["language"],
            x=parts[column].astype(np.float32),
            name=name,
            orientation="h",
            marker={"color": colour},
            hovertemplate=f"%{{y}}: {measured('%{x:+.3g}', unit)}",
        )
    figure.update_layout(barmode="relative", hovermode="closest")
    label_axes(figure, axis_title("change", unit, "per token", "+ = more likely"), "")
    figure.update_yaxes(autorange="reversed", automargin=True, dtick=1)
    figure.add_vline(x=0, line={"color": "#9aa1ad", "width": 1}, layer="below")
    return figure


def _influence_map(influence: xr.DataArray, values: np.ndarray, unit: str) -> go.Figure:
    names = [str(name) for name in influence["explained"].to_numpy()]
    figure = language_map(values, names, axis_title("influence", unit, "per token"), unit, ROOM)
    label_axes(figure, "trained on", "held-out text of")
    return figure


def _short(names: Sequence[str]) -> list[str]:
    """Names that leave the map its place on a phone, if they still tell all apart."""
    short = [name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…" for name in names]
    return short if len(set(short)) == len(names) else list(names)


def _side(languages: int) -> int:
    """Pixels of a side of the map."""
    return max(300, CELL_PIXELS * languages)


def _choice(name: str, values: np.ndarray) -> dict[str, object]:
    """A button or position of a slider that shows other values with their own colours."""
    limit, ticks, texts = _colours(values)
    shown = {"z": [values.astype(np.float32)], "zmin": [-limit], "zmax": [limit]}
    shown |= {"colorbar.tickvals": [ticks], "colorbar.ticktext": [texts]}
    return {"label": name, "method": "restyle", "args": [shown]}


def _colours(values: np.ndarray) -> tuple[float, list[float], list[str]]:
    """Where the colours of a map end, and their ticks: few, so that a phone has room for them."""
    limit = robust_limit(values)
    return limit, [-limit, 0.0, limit], [f"≤ {signed(-limit, 2)}", "0", f"≥ {signed(limit, 2)}"]
