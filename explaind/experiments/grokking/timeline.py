"""The plots of the story: what was measured of every phase, on bands of the phases."""

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from explaind.experiments.grokking.phases import (
    ALIGNMENT,
    DONE,
    FORMATION,
    MEMORISATION,
    START,
    WHOLE,
    Phase,
)
from explaind.experiments.grokking.story import TARGET, Story
from explaind.experiments.similarity.samples import OTHERS, SAME_CLASS, SAME_INPUT
from explaind.report.page import Plot
from explaind.report.plots.phase_marks import TINTS, add_bands
from explaind.report.plots.theme import (
    BLACK,
    BLUE,
    GREEN,
    MUTED,
    TRAIN,
    VALIDATION,
    component_styles,
    label_step_axes,
    mark_zero,
    new_figure,
    thin,
)
from explaind.report.tables.classes import ALL_COMPONENTS
from explaind.report.tables.steps import moving_average
from explaind.report.text import axis_title

WINDOW = 25
COLOURS = {
    WHOLE: "#ffffff",
    START: "#ffffff",
    MEMORISATION: TINTS[0],
    FORMATION: TINTS[1],
    ALIGNMENT: "#e2f3ec",
    DONE: TINTS[2],
}
"""Background of every phase."""

SPLITS = (
    ("train", "training", TRAIN, "solid"),
    ("validation", "validation", VALIDATION, "dash"),
)
COSINES = {
    SAME_CLASS: ("same result", BLUE, "solid"),
    SAME_INPUT: ("a number in common", GREEN, "dash"),
    OTHERS: ("neither", MUTED, "dot"),
}


def timeline(story: Story, phases: list[Phase], unit: str) -> list[Plot]:
    """Draw accuracy, influence, balance and similarity over the steps.

    Args:
        story: what is known of the run; what is left out has no plot.
        phases: its phases.
        unit: unit of the explained output.

    Returns:
        The plots.
    """
    plots = [_accuracies(story)]
    if not story.influence.empty:
        plots.append(_influences(story, unit))
    if story.balance is not None:
        plots.append(_balance(story, unit))
    if story.cosines is not None:
        plots.append(_cosines(story))
    bands = [(phase.start, phase.stop, COLOURS[phase.name]) for phase in phases]
    for plot in plots:
        add_bands(plot.figure, bands)
    return plots


def _accuracies(story: Story) -> Plot:
    figure, table = new_figure(), thin(story.metrics)
    for split, name, colour, dash in SPLITS:
        style = {"color": colour, "dash": dash}
        _add_line(figure, table["step"], table[f"{split}_accuracy"], name, style)
    if story.swapped is not None:
        style = {"color": GREEN, "dash": "dot"}
        name = "validation, with final outer layers"
        _add_line(figure, story.swapped["step"], story.swapped["accuracy"], name, style)
    label_step_axes(figure, "accuracy (fraction of samples)", range=[-0.02, 1.04])
    return Plot("phase-accuracy", figure, "Accuracy")


def _influences(story: Story, unit: str) -> Plot:
    figure = new_figure()
    wide = story.influence.pivot_table(
        index="step", columns="component", values="absolute", sort=False
    )
    smooth = moving_average(wide.to_numpy(), WINDOW)
    steps = thin(wide.reset_index())["step"].to_numpy()
    styles = component_styles([str(name) for name in wide.columns])
    for place, (name, style) in enumerate(styles.items()):
        _add_line(figure, steps, smooth[steps, place], name, style)
    title = axis_title("Ψ, sum of |influence|", unit, "per step")
    label_step_axes(figure, title, "gradient_step", rangemode="tozero")
    return Plot("phase-influence", figure, "Influence through each component")


def _balance(story: Story, unit: str) -> Plot:
    figure, table = new_figure(), story.balance
    assert table is not None  # the plot is left out without it
    rows = table[(table["functional"] == TARGET) & (table["component"] == ALL_COMPONENTS)]
    middle = (rows["start"] + rows["stop"] - 1) / 2
    _add_line(figure, middle, rows["difference"], "all components", {"color": BLACK})
    title = axis_title("D(Θ)", unit, "per interval", "+ = data")
    label_step_axes(figure, title, "application_step")
    figure.update_layout(showlegend=False)
    mark_zero(figure)
    return Plot("phase-balance", figure, "Training data against regularisation")


def _cosines(story: Story) -> Plot:
    figure, table = new_figure(), story.cosines
    assert table is not None  # the plot is left out without it
    rows = table[
        (table["functional"] == TARGET)
        & (table["component"] == ALL_COMPONENTS)
        & (table["interval"] > 0)
    ]
    for group, own in rows.groupby("group", sort=False):
        name, colour, dash = COSINES[str(group)]
        middle = (own["start"] + own["stop"] - 1) / 2
        style = {"color": colour, "dash": dash}
        _add_line(figure, middle, own["cosine"], name, style)
    label_step_axes(figure, "mean cosine", "application_step")
    mark_zero(figure)
    return Plot("phase-similarity", figure, "Similarity of validation samples")


def _add_line(
    figure: go.Figure, x: ArrayLike, y: ArrayLike, name: str, line: Mapping[str, object]
) -> None:
    figure.add_scatter(
        x=np.asarray(x),
        y=np.asarray(y, dtype=np.float32),
        name=name,
        mode="lines",
        line={"width": 1.8, **line},
        hovertemplate="%{y:.3g}",
    )
