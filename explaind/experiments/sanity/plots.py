"""Plots of the sanity checks: ROC curves, their areas, predicted against actual change."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from explaind.report.plots.theme import COMPONENTS, INK, RESIDUAL, label_axes, mark_zero, new_figure

SCORE_COLOURS = {
    "self-influence": COMPONENTS[0],
    "influence on held-out data": COMPONENTS[5],
    "loss": COMPONENTS[2],
    "gradient norm": COMPONENTS[4],
    "random": RESIDUAL,
}
GROUPS = {
    "top": ("most helpful removed", COMPONENTS[0], "triangle-down"),
    "bottom": ("most harmful removed", COMPONENTS[2], "triangle-up"),
    "random": ("random ones removed", RESIDUAL, "circle"),
}
DOTTED = {"color": RESIDUAL, "width": 1, "dash": "dot"}


def roc_figure(curves: pd.DataFrame) -> go.Figure:
    """Draw the mean ROC curve of every score with its interval.

    Args:
        curves: the table of `mean_roc_curves`.

    Returns:
        The figure.
    """
    figure = new_figure(400)
    for score, rows in curves.groupby("score", sort=False):
        margin = rows["margin"].to_numpy(dtype=np.float32)
        figure.add_scatter(
            x=rows["false_positive_rate"].to_numpy(),
            y=rows["true_positive_rate"].to_numpy(dtype=np.float32),
            customdata=margin,
            name=str(score),
            mode="lines",
            line={"color": SCORE_COLOURS[str(score)], "width": 1.8},
            hovertemplate="%{y:.3g} ± %{customdata:.2g}",
        )
    figure.add_shape(type="line", x0=0, y0=0, x1=1, y1=1, line=DOTTED, layer="below")
    label_axes(
        figure,
        "false positive rate",
        "true positive rate",
        range=[-0.02, 1.04],
    )
    return figure


def auc_figure(means: pd.DataFrame, aucs: pd.DataFrame) -> go.Figure:
    """Draw the mean area of every score with its interval, and the area of each seed.

    Args:
        means: the table of `auc_means`.
        aucs: the table of `detection_aucs`.

    Returns:
        The figure.
    """
    figure = new_figure(400)
    figure.add_bar(
        x=means["score"],
        y=means["auc"].to_numpy(),
        error_y={"array": means["margin"].to_numpy(), "thickness": 1.2, "width": 6},
        marker={"color": [SCORE_COLOURS[score] for score in means["score"]], "opacity": 0.75},
        name="mean",
        showlegend=False,
        hovertemplate="%{y:.3g} ± %{error_y.array:.2g}",
    )
    figure.add_scatter(
        x=aucs["score"],
        y=aucs["auc"].to_numpy(),
        mode="markers",
        marker={"color": INK, "size": 5, "symbol": "line-ew-open"},
        name="one set of flipped labels",
        hovertemplate="%{y:.3g}",
    )
    figure.add_hline(y=0.5, line=DOTTED)
    label_axes(figure, "score", "area under the ROC curve (0.5 = chance)", rangemode="tozero")
    return figure


def change_figure(means: pd.DataFrame) -> go.Figure:
    """Draw the actual over the predicted change of every group, with the line of equality.

    Args:
        means: the table of `group_means`.

    Returns:
        The figure.
    """
    figure = new_figure(420)
    drawn = means[means["group"].isin(GROUPS)]
    for group, (name, colour, symbol) in GROUPS.items():
        rows = drawn[drawn["group"] == group]
        figure.add_scatter(
            x=rows["predicted"].to_numpy(),
            y=rows["actual"].to_numpy(),
            customdata=np.stack([100 * rows["share"], rows["removed"]], axis=-1),
            name=name,
            mode="markers",
            marker={"color": colour, "symbol": symbol, "size": 6 + 40 * rows["share"].to_numpy()},
            hovertemplate="%{customdata[0]:.3g} % (%{customdata[1]} samples): predicted %{x:.3g},"
            " actual %{y:.3g} nat",
        )
    ends = _ends(drawn)
    figure.add_shape(
        type="line", x0=ends[0], y0=ends[0], x1=ends[1], y1=ends[1], line=DOTTED, layer="below"
    )
    mark_zero(figure)
    label_axes(
        figure,
        "predicted change of the mean log-probability (nat, + = raised)",
        "actual change (nat, + = raised)",
    )
    figure.update_layout(hovermode="closest")
    return figure


def _ends(drawn: pd.DataFrame) -> tuple[float, float]:
    """Return between which values both changes lie."""
    values = drawn[["predicted", "actual"]].to_numpy()
    return float(values.min()), float(values.max())
