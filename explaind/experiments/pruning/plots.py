"""Plots of the pruned networks: metrics over the fraction of parameters kept, zeros by layer."""

import pandas as pd
import plotly.graph_objects as go

from explaind.experiments.pruning.settings import GRIDS
from explaind.experiments.pruning.tables import METRICS
from explaind.report.choices import Choice, show_first
from explaind.report.plots.bands import add_banded_line
from explaind.report.plots.theme import (
    COMPONENTS,
    DASHES,
    INK,
    RESIDUAL,
    component_styles,
    label_axes,
    new_figure,
)

METHODS = {
    "influence": {"color": COMPONENTS[0], "dash": DASHES[0], "width": 1.8},
    "influence per step": {"color": COMPONENTS[5], "dash": DASHES[1], "width": 1.8},
    "magnitude": {"color": COMPONENTS[2], "dash": DASHES[2], "width": 1.8},
    "Taylor": {"color": COMPONENTS[4], "dash": DASHES[3], "width": 1.8},
    "random": {"color": RESIDUAL, "dash": "longdash", "width": 1.8},
}
AXES = {
    "accuracy": "accuracy (fraction of tests, ↑ better)",
    "agreement": "prediction agreement (fraction of tests, ↑ better)",
    "kl": "KL divergence (nat per sample, ↓ better)",
}
KEPT = "fraction of parameters kept"
UNPRUNED = {"color": INK, "width": 1, "dash": "dot"}

METRIC = Choice(
    "metric",
    "Metric",
    {
        "accuracy": "accuracy (higher is better)",
        "agreement": "prediction agreement with the unpruned network (higher is better)",
        "kl": "KL divergence from the unpruned network (lower is better)",
    },
)
SCOPE = Choice(
    "scope",
    "Scope",
    {
        "global": "global: the parameters of all layers compete",
        "layer": "layer-wise: each layer keeps the same fraction",
    },
)
GRID = Choice("grid", "Grid", {grid: grid for grid in GRIDS})
CASES = (METRIC, SCOPE, GRID)
"""What is chosen above the plot of the metrics."""


def metric_figure(means: pd.DataFrame, unpruned: pd.DataFrame) -> go.Figure:
    """Draw every method over the fraction of parameters kept, for the chosen metric and case.

    Args:
        means: the table of `pruning_means`.
        unpruned: the rows of the unpruned network; a dotted line is their mean.

    Returns:
        The figure.
    """
    figure = new_figure(460)
    for (scope, grid), case in means.groupby(["scope", "grid"], sort=False):
        for metric in METRICS:
            chosen = {"metric": metric, "scope": str(scope), "grid": str(grid)}
            for method, rows in case.groupby("method", sort=False):
                add_banded_line(
                    figure,
                    rows["kept"].to_numpy(),
                    rows[metric].to_numpy(),
                    (rows[f"{metric}_low"].to_numpy(), rows[f"{metric}_high"].to_numpy()),
                    str(method),
                    METHODS[str(method)],
                    meta=chosen,
                )
            figure.add_scatter(
                x=[case["kept"].min(), case["kept"].max()],
                y=[unpruned[metric].mean()] * 2,
                mode="lines",
                name="unpruned network",
                line=UNPRUNED,
                hovertemplate="%{y:.3g}",
                meta=chosen,
            )
    label_axes(figure, KEPT, AXES[METRIC.first])
    figure.update_xaxes(tickformat="~p", hoverformat=".2~p")
    titles = {metric: {"yaxis.title.text": title} for metric, title in AXES.items()}
    show_first(figure, CASES, {METRIC.name: titles})
    return figure


def method_choice(layers: pd.DataFrame) -> Choice:
    """Return the choice of the method by which zeros were set."""
    methods = [str(method) for method in layers["method"].unique()]
    return Choice("method", "Method", {method: method for method in methods})


def zeros_figure(layers: pd.DataFrame) -> go.Figure:
    """Draw the share of zeros in each tensor over the fraction kept, for the chosen method.

    Args:
        layers: rows of one grid and scope of `layer_means`.

    Returns:
        The figure.
    """
    figure = new_figure(460)
    styles = component_styles([str(tensor) for tensor in layers["tensor"].unique()])
    for (method, tensor), rows in layers.groupby(["method", "tensor"], sort=False):
        add_banded_line(
            figure,
            rows["kept"].to_numpy(),
            rows["zeros"].to_numpy(),
            (rows["low"].to_numpy(), rows["high"].to_numpy()),
            str(tensor),
            styles[str(tensor)],
            meta={"method": str(method)},
        )
    label_axes(figure, KEPT, "fraction of zeros in the tensor", range=[-0.02, 1.04])
    figure.update_xaxes(tickformat="~p", hoverformat=".2~p")
    show_first(figure, (method_choice(layers),), {})
    return figure
