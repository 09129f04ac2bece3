"""The figures of the page about languages."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import xarray as xr
from jaxtyping import Float

from explaind.report.choices import Choice, show_first
from explaind.report.plots.heatmap import (
    MAX_MAP_VALUES,
    coarsen_intervals,
    interval_labels,
    map_figure,
    robust_limit,
)
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
ROW_PIXELS, CELL_PIXELS, LEAST_SIDE = 16, 20, 300
LEGEND_PIXELS, FEW_LINES = 20, 8
"""Height of an entry of a legend, and how many lines leave a figure its height on a phone."""

LONGEST = 14
"""Letters of a name on an axis."""

BELOW = 180
"""Pixels below a map, for names."""

ABOVE = 70
"""Pixels above a map, for its colours."""


def influence_map(influence: xr.DataArray, unit: str) -> tuple[go.Figure, tuple[Choice, ...]]:
    """Draw the map of languages for any component and interval, and for all.

    Args:
        influence: `[interval, component, explained, trained]`.
        unit: unit of the explained output.

    Returns:
        The figure, and the choices that its traces are for.
    """
    maps = coarsen_intervals(_with_sums(influence), MAX_MAP_VALUES // 2)  # 4 bytes each, not 2
    components = [str(name) for name in maps["component"].to_numpy()]
    choices = (
        Choice("component", "Component", {name: name for name in components}),
        Choice(
            "interval", "Training", {str(k): text for k, text in enumerate(interval_labels(maps))}
        ),
    )
    names = [str(name) for name in maps["explained"].to_numpy()]
    title = axis_title("influence", unit, "per token")
    figure = language_map(maps[0, 0].to_numpy(), names, title, unit)
    label_axes(figure, "trained on", "held-out text of")
    drawn = figure.data[0]
    figure.data = []
    for interval in choices[1].options:
        for number, component in enumerate(components):
            values = maps[int(interval), number].to_numpy()
            limit, ticks, texts = _colours(values)
            trace = figure.add_trace(drawn).data[-1]
            trace.update(z=values.astype(np.float32), zmin=-limit, zmax=limit)
            trace.update(colorbar={"tickvals": ticks, "ticktext": texts})
            trace.meta = {"component": component, "interval": interval}
    show_first(figure, choices, {})
    return figure, choices


def language_map(
    values: Float[np.ndarray, "explained trained"],
    names: Sequence[str],
    title: str,
    unit: str,
) -> go.Figure:
    """Draw a number of every pair of languages, those trained on as columns.

    Args:
        values: the numbers.
        names: the languages, of rows and columns alike.
        title: title of the colours, short enough for a phone.
        unit: unit of the numbers.

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
    height = max(LEAST_SIDE, CELL_PIXELS * len(names)) + ABOVE + BELOW
    figure.update_layout(height=height, margin={"t": ABOVE, "b": BELOW})
    return figure


def shares_figure(shares: pd.DataFrame) -> go.Figure:
    """Draw the shares of all components over training, those of all norms in one line.

    Args:
        shares: columns `start`, `stop`, `component`, `share`.

    Returns:
        The figure.
    """
    norms = shares["component"].str.endswith(" norms")
    drawn = shares.assign(component=shares["component"].mask(norms, "all norms"))
    drawn = drawn.groupby(["component", "start", "stop"], sort=False, as_index=False).sum()
    styles = component_styles(drawn["component"].unique().tolist())
    figure = new_figure(420 + LEGEND_PIXELS * max(0, len(styles) - FEW_LINES))
    for name, rows in drawn.groupby("component", sort=False):
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


def _with_sums(influence: xr.DataArray) -> xr.DataArray:
    """Put the whole run before the intervals, and all components before the single ones."""
    every = influence.sum("component").expand_dims(component=[ALL])
    by_component = xr.concat([every, influence], "component")
    ends = {"start": influence["start"].min().item(), "stop": influence["stop"].max().item()}
    whole = by_component.sum("interval").expand_dims("interval")
    whole = whole.assign_coords({name: ("interval", [end]) for name, end in ends.items()})
    return xr.concat([whole, by_component], "interval").transpose(*influence.dims)


def _short(names: Sequence[str]) -> list[str]:
    """Names that leave the map its place on a phone, if they still tell all apart."""
    short = [name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…" for name in names]
    return short if len(set(short)) == len(names) else list(names)


def _colours(values: np.ndarray) -> tuple[float, list[float], list[str]]:
    """Where the colours of a map end, and their ticks: few, so that a phone has room for them."""
    limit = robust_limit(values)
    return limit, [-limit, 0.0, limit], [f"≤ {signed(-limit, 2)}", "0", f"≥ {signed(limit, 2)}"]
