"""The figure of the story: what was measured of every phase, on one axis of steps."""

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from explaind.experiments.grokking.phases import ALIGNMENT, DONE, FORMATION, MEMORISATION, Phase
from explaind.experiments.grokking.story import TARGET, Story
from explaind.experiments.similarity.samples import OTHERS, SAME_CLASS, SAME_INPUT
from explaind.report.plots.theme import (
    BLACK,
    BLUE,
    GREEN,
    MUTED,
    OVER_STEPS,
    STEP_TITLE,
    TEMPLATE,
    TRAIN,
    VALIDATION,
    component_styles,
    thin,
)
from explaind.report.tables.classes import ALL_COMPONENTS
from explaind.report.tables.steps import moving_average
from explaind.report.text import axis_title

HEIGHT, SPACING = 210, 0.09
WINDOW = 25
TINTS = {MEMORISATION: "#e3eef7", FORMATION: "#fdf3dd", ALIGNMENT: "#e2f3ec", DONE: "#f1f2f5"}
"""Background of every phase; the start has none."""

COSINES = {SAME_CLASS: (BLUE, "solid"), SAME_INPUT: (GREEN, "dash"), OTHERS: (MUTED, "dot")}


def timeline_figure(story: Story, phases: list[Phase], unit: str) -> go.Figure:
    """Draw accuracy, influence, balance and similarity over the steps, on bands of the phases.

    Args:
        story: what is known of the run; what is left out has no row.
        phases: its phases.
        unit: unit of the explained output.

    Returns:
        The figure.
    """
    rows = [
        ("Accuracy", _accuracies, "fraction of samples"),
        ("Influence through each component, Ψ", _influences, axis_title("Ψ", unit, "per step")),
        (
            "Training data against regularisation",
            _balance,
            axis_title("D(Θ)", unit, "per interval"),
        ),
        ("Similarity of validation samples", _cosines, "mean cosine"),
    ]
    drawn = [(title, traces(story), axis) for title, traces, axis in rows]
    drawn = [row for row in drawn if row[1]]
    figure = make_subplots(
        rows=len(drawn),
        shared_xaxes=True,
        vertical_spacing=SPACING / len(drawn) * 2,
        subplot_titles=[title for title, *_ in drawn],
    )
    figure.update_layout(
        template=TEMPLATE,
        height=HEIGHT * len(drawn) + 110,
        meta=OVER_STEPS,
        hovermode="x unified",
        margin={"t": 60},
    )
    for place, (_, traces, axis) in enumerate(drawn, start=1):
        for trace in traces:
            trace.legend = "legend" if place == 1 else f"legend{place}"
            figure.add_trace(trace, row=place, col=1)
        figure.update_yaxes(title_text=axis, row=place, col=1)
        domain = figure.layout["yaxis" if place == 1 else f"yaxis{place}"].domain
        legend = {"x": 1.01, "xanchor": "left", "y": domain[1], "yanchor": "top"}
        legend |= {"orientation": "v", "font": {"size": 11}}
        figure.update_layout({"legend" if place == 1 else f"legend{place}": legend})
    figure.update_xaxes(title_text=STEP_TITLE, row=len(drawn), col=1)
    for phase in phases:
        if phase.name in TINTS:
            figure.add_vrect(
                x0=phase.start,
                x1=phase.stop,
                fillcolor=TINTS[phase.name],
                line_width=0,
                layer="below",
            )
    return figure


def _line(x: np.ndarray, y: np.ndarray, name: str, line: dict[str, object]) -> go.Scatter:
    return go.Scatter(
        x=x,
        y=np.asarray(y, dtype=np.float32),
        name=name,
        mode="lines",
        line={"width": 1.8, **line},
        hovertemplate="%{y:.3g}",
    )


def _accuracies(story: Story) -> list[go.Scatter]:
    table = thin(story.metrics)
    steps = table["step"].to_numpy()
    lines = [
        _line(steps, table["train_accuracy"], "training", {"color": TRAIN}),
        _line(steps, table["validation_accuracy"], "validation", {"color": VALIDATION}),
    ]
    if story.swapped is not None:
        style = {"color": GREEN, "dash": "dash"}
        name = "with final<br>outer layers"
        lines.append(_line(story.swapped["step"], story.swapped["accuracy"], name, style))
    return lines


def _influences(story: Story) -> list[go.Scatter]:
    if story.influence.empty:
        return []
    wide = story.influence.pivot_table(
        index="step", columns="component", values="absolute", sort=False
    )
    smooth = moving_average(wide.to_numpy(), WINDOW)
    steps = thin(wide.reset_index())["step"].to_numpy()
    styles = component_styles([str(name) for name in wide.columns])
    return [
        _line(steps, smooth[steps, place], name, style)
        for place, (name, style) in enumerate(styles.items())
    ]


def _balance(story: Story) -> list[go.Scatter]:
    if story.balance is None:
        return []
    rows = story.balance[
        (story.balance["functional"] == TARGET) & (story.balance["component"] == ALL_COMPONENTS)
    ]
    middle = ((rows["start"] + rows["stop"] - 1) / 2).to_numpy()
    zero = _line(middle[[0, -1]], np.zeros(2), "equal", {"color": MUTED, "width": 1})
    return [_line(middle, rows["difference"], "all components", {"color": BLACK}), zero]


def _cosines(story: Story) -> list[go.Scatter]:
    if story.cosines is None:
        return []
    rows = story.cosines[
        (story.cosines["functional"] == TARGET)
        & (story.cosines["component"] == ALL_COMPONENTS)
        & (story.cosines["interval"] > 0)
    ]
    lines = []
    for group, own in rows.groupby("group", sort=False):
        colour, dash = COSINES[str(group)]
        middle = ((own["start"] + own["stop"] - 1) / 2).to_numpy()
        lines.append(_line(middle, own["cosine"], str(group), {"color": colour, "dash": dash}))
    return lines
