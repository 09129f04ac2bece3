"""Plots of the swap: every set of components over the training, and confusion matrices."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from explaind.experiments.swap.tables import ALL_BUT_ONE, SETS, SINGLE, UNTOUCHED
from explaind.report.choices import Choice, show_first
from explaind.report.plots.phase_marks import mark_phases
from explaind.report.plots.theme import (
    DATA,
    INK,
    MUTED,
    STEP_TITLE,
    add_line,
    component_styles,
    label_axes,
    mark_zero,
    new_figure,
)
from explaind.report.tables.phases import Phases
from explaind.report.text import step

AXES = {
    "accuracy_gain": "accuracy, less that of the untouched network",
    "accuracy": "accuracy (fraction of samples)",
    "kl": "KL divergence (nat per sample)",
    "kl_change": "KL divergence, less that of the untouched network (nat per sample)",
}
MEASURE = Choice(
    "measure",
    "Measure",
    {
        "accuracy_gain": "accuracy, difference to untouched",
        "accuracy": "accuracy",
        "kl": "KL divergence from the trained network",
        "kl_change": "KL divergence, difference to untouched",
    },
)
GROUPS = {
    SETS: "sets of the configuration",
    SINGLE: "one component",
    ALL_BUT_ONE: "all but one component",
}
SPLIT = Choice(
    "split", "Samples", {"validation": "validation samples", "train": "training samples"}
)
UNTOUCHED_LINE = {"color": INK, "width": 1.4, "dash": "dot"}
WHITE_TO_BLUE = ((0.0, "#fbfbfa"), (1.0, DATA))


def curve_choices(curves: pd.DataFrame) -> tuple[Choice, ...]:
    """Return what is chosen above the plot of the curves.

    Args:
        curves: the table of `swap_curves`.

    Returns:
        The choices of the measure, of the group of sets and of the split.
    """
    known = {group: text for group, text in GROUPS.items() if group in set(curves["group"])}
    return (MEASURE, Choice("group", "Taken from the trained network", known), SPLIT)


def curve_figure(curves: pd.DataFrame, phases: Phases) -> go.Figure:
    """Draw what was measured of the networks over the training, one line for each set.

    Args:
        curves: the table of `swap_curves`.
        phases: the turning points of the run.

    Returns:
        The figure.
    """
    figure, choices = new_figure(480), curve_choices(curves)
    untouched = curves[curves["group"] == UNTOUCHED]
    for group in choices[1].options:
        rows = curves[curves["group"] == group]
        styles = component_styles([str(name) for name in rows["swapped"].unique()])
        drawn = pd.concat([rows, untouched])
        for (split, name), line in drawn.groupby(["split", "swapped"], sort=False):
            shown = {"group": group, "split": str(split)}
            style = styles.get(str(name), UNTOUCHED_LINE)
            text = str(name) if str(name) in styles else "untouched network"
            for measure in AXES:
                meta = {"measure": measure, **shown}
                add_line(figure, line["step"], line[measure], text, style, meta=meta)
    mark_zero(figure)
    mark_phases(figure, phases, int(curves["step"].max()))
    label_axes(figure, STEP_TITLE, AXES[MEASURE.first])
    titles = {measure: {"yaxis.title.text": title} for measure, title in AXES.items()}
    show_first(figure, choices, {MEASURE.name: titles})
    return figure


def confusion_choices(confusion: pd.DataFrame) -> tuple[Choice, ...]:
    """Return what is chosen above the confusion matrix.

    Args:
        confusion: the table of `confusion_counts`.

    Returns:
        The choices of the step and of the set.
    """
    steps = {str(point): f"step {step(int(point))}" for point in confusion["step"].unique()}
    sets = {str(name): str(name) for name in confusion["swapped"].unique()}
    return (
        Choice("moment", "When", steps),
        Choice("swapped", "Taken from the trained network", sets),
    )


def confusion_figure(confusion: pd.DataFrame, classes: int) -> go.Figure:
    """Draw the confusion matrix of the chosen network.

    Args:
        confusion: the table of `confusion_counts`.
        classes: number of classes.

    Returns:
        The figure.
    """
    figure = new_figure(560)
    largest = int(confusion["samples"].max())
    for (point, name), rows in confusion.groupby(["step", "swapped"], sort=False):
        counts = np.zeros((classes, classes), dtype=np.uint16)
        counts[rows["true"], rows["predicted"]] = rows["samples"]
        figure.add_heatmap(
            z=counts,
            colorscale=WHITE_TO_BLUE,
            zmin=0,
            zmax=largest,
            meta={"moment": str(point), "swapped": str(name)},
            colorbar={
                "title": {"text": "validation samples", "side": "top", "font": {"color": MUTED}},
                "orientation": "h",
                "y": 1.0,
                "yanchor": "bottom",
                "len": 0.8,
                "thickness": 12,
                "outlinewidth": 0,
            },
            hovertemplate="true class %{y}, predicted %{x}: %{z} samples<extra></extra>",
        )
    label_axes(figure, "predicted class", "true class")
    figure.update_layout(hovermode="closest", margin={"t": 70})
    figure.update_xaxes(showgrid=False, constrain="domain")
    figure.update_yaxes(showgrid=False, constrain="domain", autorange="reversed", scaleanchor="x")
    show_first(figure, confusion_choices(confusion), {})
    return figure
