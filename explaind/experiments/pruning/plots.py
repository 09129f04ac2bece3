"""Plots of the pruned networks: metrics over the fraction of parameters kept, zeros by layer."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from explaind.report.plots.theme import (
    COMPONENTS,
    RESIDUAL,
    component_styles,
    label_axes,
    new_figure,
)

METHOD_COLOURS = {
    "influence": COMPONENTS[0],
    "influence per step": COMPONENTS[5],
    "magnitude": COMPONENTS[2],
    "Taylor": COMPONENTS[4],
    "random": RESIDUAL,
}
AXES = {
    "accuracy": "accuracy (fraction of samples)",
    "agreement": "prediction agreement (fraction of samples)",
    "kl": "KL divergence (nat per sample)",
}
KEPT = "fraction of parameters kept"


def metric_figure(means: pd.DataFrame, metric: str, unpruned: float) -> go.Figure:
    """Draw one metric of every method over the fraction of parameters kept.

    Args:
        means: rows of one grid and scope of `pruning_means`.
        metric: one of `AXES`.
        unpruned: the metric of the unpruned network, a dotted line.

    Returns:
        The figure.
    """
    figure = new_figure(360)
    for method, rows in means.groupby("method", sort=False):
        figure.add_scatter(
            x=rows["kept"].to_numpy(),
            y=rows[metric].to_numpy(dtype=np.float32),
            error_x=_error(rows["kept_margin"]),
            error_y=_error(rows[f"{metric}_margin"]),
            name=str(method),
            mode="lines+markers",
            marker={"size": 4},
            line={"color": METHOD_COLOURS[str(method)], "width": 1.8},
            hovertemplate="%{y:.3g} ± %{error_y.array:.2g}",
        )
    figure.add_hline(y=unpruned, line={"color": RESIDUAL, "width": 1, "dash": "dot"}, layer="below")
    label_axes(figure, KEPT, AXES[metric])
    figure.update_xaxes(tickformat="~p", hoverformat=".2~p")
    return figure


def zeros_figure(layers: pd.DataFrame) -> go.Figure:
    """Draw the share of zeros in each tensor over the fraction of parameters kept.

    Args:
        layers: rows of one grid, scope and method of `layer_means`.

    Returns:
        The figure.
    """
    figure = new_figure(360)
    styles = component_styles([str(tensor) for tensor in layers["tensor"].unique()])
    for tensor, rows in layers.groupby("tensor", sort=False):
        figure.add_scatter(
            x=rows["kept"].to_numpy(),
            y=rows["zeros"].to_numpy(dtype=np.float32),
            error_y=_error(rows["zeros_margin"]),
            name=str(tensor),
            mode="lines",
            line=styles[str(tensor)],
            hovertemplate="%{y:.3g}",
        )
    label_axes(figure, KEPT, "fraction of zeros in the tensor", range=[-0.02, 1.04])
    figure.update_xaxes(tickformat="~p", hoverformat=".2~p")
    return figure


def _error(margin: pd.Series) -> dict[str, object]:
    return {"array": margin.to_numpy(dtype=np.float32), "thickness": 1, "width": 2}
