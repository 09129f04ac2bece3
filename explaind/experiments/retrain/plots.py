"""Plots of the retraining: steps until networks generalise, and learning curves."""

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from explaind.experiments.component_sets import NONE
from explaind.report.choices import Choice, show_first
from explaind.report.plots.bands import add_banded_line
from explaind.report.plots.phase_marks import mark_phases
from explaind.report.plots.theme import (
    INK,
    STEP_TITLE,
    component_styles,
    label_axes,
    new_figure,
    thin,
)
from explaind.report.tables.phases import Phases
from explaind.report.text import step

MAX_POINTS = 250  # of each learning curve
SPREAD = 0.015  # between neighbouring sets, as a share of the x axis
NOTHING = {"color": INK, "width": 1.4, "dash": "dot"}
SPLIT = Choice(
    "split", "Samples", {"validation": "validation samples", "train": "training samples"}
)


def steps_figure(
    steps: pd.DataFrame, trainings: pd.DataFrame, phases: Phases, last_step: int
) -> go.Figure:
    """Draw the steps to the goal over the step that components are taken from.

    Args:
        steps: the table of `steps_by_case`.
        trainings: the table of `steps_of_trainings`.
        phases: the turning points of the run.
        last_step: of the run.

    Returns:
        The figure: a line through the medians and a mark for each training, open for one that ended
        before it reached the goal.
    """
    figure = new_figure(460)
    names = _transplanted(steps)
    for number, (name, style) in enumerate(component_styles(names).items()):
        shift = SPREAD * last_step * (number - (len(names) - 1) / 2)
        own, medians = (table[table["transplanted"] == name] for table in (trainings, steps))
        figure.add_scatter(
            x=medians["source"] + shift,
            y=medians["median"],
            mode="lines",
            line=style,
            name=name,
            legendgroup=name,
            hovertemplate="median %{y}",
        )
        figure.add_scatter(
            x=own["source"] + shift,
            y=own["steps"],
            mode="markers",
            marker={
                "color": style["color"],
                "size": 9,
                "symbol": np.where(own["reached"], "circle", "triangle-up-open").tolist(),
            },
            customdata=np.where(own["reached"], "", "more than ").tolist(),
            text=[f"seed {seed}" for seed in own["seed"]],
            name=name,
            legendgroup=name,
            showlegend=False,
            hovertemplate="%{customdata}%{y} steps (%{text})<extra></extra>",
        )
    mark_phases(figure, phases, last_step)  # first, so that the bands hide no line
    _mark_nothing(figure, trainings)
    figure.update_layout(hovermode="closest")
    label_axes(
        figure,
        "taken from step of the run",
        "steps of retraining",
        rangemode="tozero",
    )
    return figure


def curve_choices(curves: pd.DataFrame) -> tuple[Choice, ...]:
    """Return what is chosen above the learning curves.

    Args:
        curves: the table of `mean_curves`.

    Returns:
        The choices of the source, the last one first, and of the split.
    """
    sources = curves["source"][curves["transplanted"] != NONE].unique()
    named = {str(source): f"step {step(int(source))}" for source in sorted(sources, reverse=True)}
    return (Choice("source", "Components taken from", named or {NONE: NONE}), SPLIT)


def curve_figure(curves: pd.DataFrame) -> go.Figure:
    """Draw the learning curves of the chosen source, mean and range over the seeds.

    Args:
        curves: the table of `mean_curves`.

    Returns:
        The figure.
    """
    figure, choices = new_figure(460), curve_choices(curves)
    styles = {**component_styles(_transplanted(curves)), NONE: NOTHING}
    for source in choices[0].options:
        shown = curves[(curves["source"].astype(str) == source) | (curves["transplanted"] == NONE)]
        for name, rows in shown.groupby("transplanted", sort=False):
            few = thin(rows, MAX_POINTS)
            for split in SPLIT.options:
                ends = tuple(few[f"{split}_accuracy_{end}"].to_numpy() for end in ("low", "high"))
                add_banded_line(
                    figure,
                    few["step"].to_numpy(dtype=np.float32),
                    few[f"{split}_accuracy"].to_numpy(),
                    (ends[0], ends[1]),
                    str(name),
                    styles[str(name)],
                    meta={"source": source, "split": split},
                )
    label_axes(figure, f"{STEP_TITLE} of the retraining", "accuracy (fraction of samples)")
    figure.update_yaxes(range=[-0.02, 1.04])
    show_first(figure, choices, {})
    return figure


def _transplanted(table: pd.DataFrame) -> list[str]:
    return [str(name) for name in table["transplanted"].unique() if name != NONE]


def _mark_nothing(figure: go.Figure, trainings: pd.DataFrame) -> None:
    """Draw the networks that nothing was transplanted into as lines over the whole width."""
    line: dict[str, Any] = {"width": 1, "dash": "dot", "color": INK}
    for number, row in enumerate(trainings[trainings["transplanted"] == NONE].itertuples()):
        figure.add_hline(y=row.steps, line=line, layer="below")
        if number == 0:
            more = "" if row.reached else "more than "
            figure.add_annotation(
                x=0,
                xref="paper",
                xanchor="left",
                y=row.steps,
                yanchor="bottom",
                showarrow=False,
                text=f"{NONE} transplanted: {more}{row.steps}",
            )
