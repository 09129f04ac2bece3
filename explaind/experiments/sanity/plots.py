"""Plots of the sanity checks: ROC curves, their areas, predicted against actual change."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from explaind.report.plots.bands import add_banded_line
from explaind.report.plots.symlog import Symlog
from explaind.report.plots.theme import (
    COMPONENTS,
    DASHES,
    INK,
    RESIDUAL,
    label_axes,
    mark_zero,
    new_figure,
)

SCORES = {
    "self-influence": {"color": COMPONENTS[0], "dash": DASHES[0]},
    "influence on held-out data": {"color": COMPONENTS[5], "dash": DASHES[1]},
    "loss": {"color": COMPONENTS[2], "dash": DASHES[2]},
    "gradient norm": {"color": COMPONENTS[4], "dash": DASHES[3]},
    "random": {"color": RESIDUAL, "dash": "longdash"},
}
GROUPS = {
    "top": ("most helpful removed", COMPONENTS[0], "triangle-down"),
    "bottom": ("most harmful removed", COMPONENTS[2], "triangle-up"),
    "random": ("random ones removed", RESIDUAL, "circle"),
}
DOTTED = {"color": RESIDUAL, "width": 1, "dash": "dot"}
UNIT_RANGE = (-0.02, 1.04)


def roc_figure(curves: pd.DataFrame) -> go.Figure:
    """Draw the mean ROC curve of every score with its interval.

    Args:
        curves: the table of `mean_roc_curves`.

    Returns:
        The figure.
    """
    figure = new_figure(420)
    for score, rows in curves.groupby("score", sort=False):
        add_banded_line(
            figure,
            rows["false_positive_rate"].to_numpy(),
            rows["true_positive_rate"].to_numpy(),
            (rows["low"].to_numpy(), rows["high"].to_numpy()),
            str(score),
            {**SCORES[str(score)], "width": 1.8},
        )
    figure.add_shape(type="line", x0=0, y0=0, x1=1, y1=1, line=DOTTED, layer="below")
    label_axes(figure, "false positive rate", "true positive rate", range=UNIT_RANGE)
    return figure


def auc_figure(means: pd.DataFrame, aucs: pd.DataFrame) -> go.Figure:
    """Draw the mean area of every score with its interval, and the area of each seed.

    Args:
        means: the table of `auc_means`.
        aucs: the table of `detection_aucs`.

    Returns:
        The figure.
    """
    figure = new_figure(420)
    auc, low, high = (means[column].to_numpy() for column in ("auc", "low", "high"))
    figure.add_scatter(
        x=means["score"],
        y=auc,
        customdata=np.stack([low, high], axis=-1),
        error_y={"array": high - auc, "arrayminus": auc - low, "thickness": 1.4, "width": 8},
        mode="markers",
        marker={"color": [SCORES[score]["color"] for score in means["score"]], "size": 11},
        name="mean, 95 % interval",
        hovertemplate="%{y:.3g} (%{customdata[0]:.3g} to %{customdata[1]:.3g})",
    )
    figure.add_scatter(
        x=aucs["score"],
        y=aucs["auc"].to_numpy(),
        mode="markers",
        marker={"color": INK, "size": 9, "symbol": "line-ew-open"},
        name="one set of flipped labels",
        hovertemplate="%{y:.3g}",
    )
    figure.add_hline(y=0.5, line=DOTTED)
    label_axes(figure, "", "area under the ROC curve (0.5 = chance)", range=UNIT_RANGE)
    return figure


def change_figure(means: pd.DataFrame) -> go.Figure:
    """Draw the actual over the predicted change of every group, with the line of equality.

    Both axes have the same scale, about linear around zero and logarithmic beyond.

    Args:
        means: the table of `group_means`.

    Returns:
        The figure.
    """
    figure = new_figure(460)
    drawn = means[means["group"].isin(GROUPS)]
    changes = drawn[["predicted", "actual"]].to_numpy()
    scale = Symlog.of(changes)
    for group, (name, colour, symbol) in GROUPS.items():
        own = (drawn["group"] == group) & drawn["learned"]
        _add_changes(figure, drawn[own], scale, name, {"color": colour, "symbol": symbol})
    failed = drawn[~drawn["learned"]]
    if len(failed):
        _add_changes(figure, failed, scale, "retraining failed", {"color": INK, "symbol": "x"})
    low, high = scale(np.array([changes.min(), changes.max()]))
    figure.add_shape(type="line", x0=low, y0=low, x1=high, y1=high, line=DOTTED, layer="below")
    mark_zero(figure)
    label_axes(
        figure,
        "predicted change of the margin (nat, + = raised)",
        "actual change (nat, + = raised)",
        **scale.ticks(),
    )
    figure.update_xaxes(**scale.ticks())
    figure.update_layout(hovermode="closest")
    return figure


def _add_changes(
    figure: go.Figure, rows: pd.DataFrame, scale: Symlog, name: str, marker: dict[str, str]
) -> None:
    """Add the groups of one kind; larger markers have lost more samples."""
    told = ["share", "removed", "predicted", "actual", "train_accuracy", "validation_accuracy"]
    figure.add_scatter(
        x=scale(rows["predicted"].to_numpy()),
        y=scale(rows["actual"].to_numpy()),
        customdata=rows[told].to_numpy(),
        name=name,
        mode="markers",
        marker={**marker, "size": 7 + 40 * rows["share"].to_numpy(), "line": {"width": 1.5}},
        hovertemplate="%{customdata[0]:.3~p} (%{customdata[1]} samples): predicted"
        " %{customdata[2]:+.3g}, actual %{customdata[3]:+.3g} nat<br>accuracy %{customdata[4]:.3~p}"
        " (training), %{customdata[5]:.3~p} (validation)",
    )
