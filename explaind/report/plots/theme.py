"""The look of all figures: colours with a fixed meaning, one template, axes over training steps.

Colours are those of Okabe and Ito (2008), less yellow, which is hardly seen on white, and a dark
grey: a reader with any colour vision tells them apart. Lines differ in their dashes as well.
"""

from collections.abc import Sequence
from itertools import cycle
from typing import Any, TypedDict, Unpack

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from explaind.report.text import power_of_ten, words

BLUE, ORANGE, GREEN, VERMILLION = "#0072b2", "#e69f00", "#009e73", "#d55e00"
SKY, PURPLE, BLACK = "#56b4e9", "#cc79a7", "#000000"
INK, MUTED, RULE, GRID = "#1d2430", "#5b6472", "#c3c8d1", "#e7e9ee"
TRAIN, VALIDATION = BLUE, VERMILLION
DATA, DECAY, RESIDUAL, TRUE = BLUE, VERMILLION, MUTED, BLACK
COMPONENTS = (BLUE, ORANGE, GREEN, VERMILLION, PURPLE, SKY, BLACK)
DASHES = ("solid", "dash", "dot", "dashdot")
DIVERGING = (
    (0.0, "#1f4e8c"),
    (0.25, "#7fa8d6"),
    (0.5, "#fbfbfa"),
    (0.75, "#eb9a78"),
    (1.0, "#a3262a"),
)
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif"
STEP_TITLE = "training step"
OVER_STEPS = "over steps"
MAX_POINTS = 4000
BULK_TAIL = 0.03  # share of the values that may lie outside the axis at either end
BULK_RATIO = 3.0
SEVERAL_POWERS = 100.0
POWERS = range(-15, 10)
MAX_SINGLE_TICKS = 8

AXIS = {
    "title": {"font": {"size": 12.5, "color": MUTED}, "standoff": 10},
    "automargin": True,
    "exponentformat": "power",
    "gridcolor": GRID,
    "linecolor": RULE,
    "ticks": "outside",
    "tickcolor": RULE,
    "zeroline": False,
}
LEGEND = {"orientation": "h", "x": 0, "xanchor": "left", "y": 1.07, "yanchor": "bottom"}
TEMPLATE = go.layout.Template(
    layout={
        "font": {"family": FONT, "size": 12, "color": INK},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "#ffffff",
        "hovermode": "x unified",
        "margin": {"l": 70, "r": 20, "t": 56, "b": 50},
        "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": "#a9b0bc", "activecolor": MUTED},
        "legend": LEGEND,
        "xaxis": AXIS,
        "yaxis": AXIS,
    }
)


def new_figure(height: int = 340) -> go.Figure:
    """Return an empty figure with the project's look; `height` in pixels."""
    return go.Figure(layout={"template": TEMPLATE, "height": height})


def component_styles(components: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return the line style of each component, the same on every figure of a run."""
    looks = zip(cycle(COMPONENTS), cycle(DASHES), strict=False)  # 7 and 4: all 28 pairs
    return {
        name: {"color": colour, "dash": dash, "width": 1.8}
        for name, (colour, dash) in zip(components, looks, strict=False)
    }


def thin(table: pd.DataFrame, limit: int = MAX_POINTS) -> pd.DataFrame:
    """Return about `limit` evenly spaced rows and the last one; the table on disk keeps all."""
    stride = -(-len(table) // limit)
    if stride <= 1:
        return table
    rows = np.unique(np.append(np.arange(0, len(table), stride), len(table) - 1))
    return table.iloc[rows]


def add_line(
    figure: go.Figure,
    x: pd.Series,
    y: np.ndarray | pd.Series,
    name: str,
    line: dict[str, Any],
    **trace: object,
) -> None:
    """Add a line to a figure, in single precision to keep the page small."""
    figure.add_scatter(
        x=x.to_numpy(),
        y=np.asarray(y, dtype=np.float32),
        name=name,
        mode="lines",
        line=line,
        hovertemplate="%{y:.4g}",
        **trace,
    )


class YAxis(TypedDict, total=False):
    """Options of the y axis of a figure, by plotly's names.

    Attributes:
        range: its ends.
        rangemode: `tozero` for an axis that begins at 0.
    """

    range: Sequence[float]
    rangemode: str


def label_step_axes(figure: go.Figure, y: str, credit: str = "", **y_axis: Unpack[YAxis]) -> None:
    """Title the axes of a figure over training steps.

    The script of the page finds such figures by their `meta` and marks an interval on them.

    Args:
        figure: the figure.
        y: title of the other axis.
        credit: the step that influence is booked at, where any is drawn.
        y_axis: options of that axis.
    """
    figure.update_layout(meta=OVER_STEPS)
    label_axes(figure, f"{STEP_TITLE} ({words(credit)})" if credit else STEP_TITLE, y)
    figure.update_yaxes(**y_axis)


def label_axes(figure: go.Figure, x: str, y: str, **y_axis: Unpack[YAxis]) -> None:
    """Title both axes; titles carry the unit and, where it matters, the sign."""
    figure.update_xaxes(title_text=x)
    figure.update_yaxes(title_text=y, **y_axis)


def use_log_axis(figure: go.Figure) -> None:
    """Make the y axis logarithmic; over several powers of ten, with one plain number at each."""
    figure.update_yaxes(type="log")
    values = np.concatenate([np.empty(0), *_drawn_lines(figure)])
    positive = values[values > 0]
    if len(positive) and positive.max() / positive.min() > SEVERAL_POWERS:
        figure.update_yaxes(
            tickvals=[10.0**power for power in POWERS],
            ticktext=[power_of_ten(power) for power in POWERS],
        )


def use_whole_ticks(figure: go.Figure, largest: int) -> None:
    """Give every whole number up to a small `largest` its tick on the y axis, and no fraction."""
    if largest <= MAX_SINGLE_TICKS:
        figure.update_yaxes(dtick=1)


def show_bulk(figure: go.Figure) -> None:
    """Let the y axis begin with the bulk of every line (`bulk_range`); a double click shows all."""
    ends = bulk_range(_drawn_lines(figure))
    if ends:
        figure.update_yaxes(range=ends)


def bulk_range(lines: Sequence[np.ndarray]) -> list[float] | None:
    """Find an axis for the bulk of every line if a few values would flatten all others.

    The first steps of a training often change the output a hundred times more than any later one.

    Args:
        lines: finite values of each line.

    Returns:
        Both ends of the axis; None if all values fit well.
    """
    known = [line for line in lines if len(line)]
    if not known:
        return None
    values = np.concatenate(known)
    tails = np.array([np.quantile(line, [BULK_TAIL, 1 - BULK_TAIL]) for line in known])
    low, high = min(tails[:, 0].min(), 0.0), max(tails[:, 1].max(), 0.0)
    if not np.ptp(values) > BULK_RATIO * (high - low) > 0:
        return None
    margin = 0.3 * (high - low)
    return [float(low - margin), float(high + margin)]


def mark_zero(figure: go.Figure) -> None:
    """Draw the line that parts positive from negative."""
    figure.add_hline(y=0, line={"color": "#9aa1ad", "width": 1}, layer="below")


def _drawn_lines(figure: go.Figure) -> list[np.ndarray]:
    """Return the finite values of each line that is shown now or after a switch, none empty."""
    drawn = [trace[key] for trace in figure.data for key in ("y", "customdata")]
    lines = [np.ravel(values) for values in drawn if values is not None]
    finite = [line[np.isfinite(line)] for line in lines]
    return [line for line in finite if len(line)]
