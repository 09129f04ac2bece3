"""Lines with their intervals as bands."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float
from plotly.colors import hex_to_rgb

OPACITY = 0.15


def add_banded_line(
    figure: go.Figure,
    x: Float[np.ndarray, " point"],
    y: Float[np.ndarray, " point"],
    interval: tuple[Float[np.ndarray, " point"], Float[np.ndarray, " point"]],
    name: str,
    line: Mapping[str, Any],
    **trace: object,
) -> None:
    """Add a line and the band of its interval, which a click on the legend hides together.

    Args:
        figure: the figure.
        x: where.
        y: the values.
        interval: their lower and upper ends.
        name: name in the legend.
        line: style of the line, its colour as `#rrggbb`.
        trace: further properties of both traces.
    """
    low, high = (np.asarray(end, dtype=np.float32) for end in interval)
    red, green, blue = hex_to_rgb(line["color"])
    figure.add_scatter(
        x=np.concatenate([x, x[::-1]]),
        y=np.concatenate([high, low[::-1]]),
        fill="toself",
        fillcolor=f"rgba({red},{green},{blue},{OPACITY})",
        line={"width": 0},
        mode="lines",
        name=name,
        legendgroup=name,
        showlegend=False,
        hoverinfo="skip",
        **trace,
    )
    figure.add_scatter(
        x=x,
        y=np.asarray(y, dtype=np.float32),
        customdata=np.stack([low, high], axis=-1),
        mode="lines",
        name=name,
        legendgroup=name,
        line=dict(line),
        hovertemplate="%{y:.3g} (%{customdata[0]:.3g} to %{customdata[1]:.3g})",
        **trace,
    )
