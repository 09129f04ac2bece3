"""Bands of the phases of a training, with their boundaries, on every figure over steps."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import plotly.graph_objects as go

from explaind.report.plots.theme import INK, MUTED
from explaind.report.tables.phases import Phases

LABEL_WIDTH = 0.26  # of a label, as a share of the x axis
TINTS = ("#e3eef7", "#fdf3dd", "#f1f2f5")
"""Background until memorisation, until generalisation, and from then on."""


BAR_SHARE = 0.075
"""Of the height of a figure, for each phase that is drawn as a bar."""


class PhaseBar(NamedTuple):
    """A phase that others may overlap: its first and last step and its colour, `rgba(...)`."""

    name: str
    start: int
    stop: int
    colour: str


class Label(NamedTuple):
    """A text above the plot whose end on the given `side` lies at its step."""

    text: str
    step: int
    side: str


def mark_phases(figure: go.Figure, phases: Phases, last_step: int) -> None:
    """Draw the phases as bands, and the steps where they meet as lines, named above the plot.

    Args:
        figure: a figure over training steps.
        phases: the steps; those not reached are left out.
        last_step: right end of the x axis.
    """
    marks = {"memorised": phases.memorisation, "generalised": phases.generalisation}
    reached = {name: step for name, step in marks.items() if step is not None}
    bounds = [*reached.values(), last_step] if reached else []
    add_bands(figure, list(zip([0, *bounds], bounds, TINTS, strict=False)))
    for step in reached.values():
        figure.add_vline(x=step, line={"color": MUTED, "width": 1, "dash": "dash"}, layer="below")
    for label in place_labels(reached, last_step):
        figure.add_annotation(
            x=label.step,
            y=1,
            yref="paper",
            text=label.text,
            showarrow=False,
            xanchor=label.side,
            yanchor="bottom",
            font={"size": 11, "color": MUTED},
        )


def add_bands(figure: go.Figure, bands: Sequence[tuple[int, int, str]]) -> None:
    """Lay bands behind the lines of a figure.

    Args:
        figure: a figure over training steps.
        bands: first and last step, and colour.
    """
    for start, stop, colour in bands:
        figure.add_vrect(x0=start, x1=stop, fillcolor=colour, line_width=0, layer="below")


def add_phase_bars(figure: go.Figure, bars: Sequence[PhaseBar]) -> None:
    """Draw phases as bars above the lines of a figure, each in a row of its own with its name.

    Args:
        figure: a figure over training steps, with its lines.
        bars: the phases, from above.
    """
    if not bars:
        return
    edge, last = 1 - BAR_SHARE * len(bars), max(bar.stop for bar in bars)
    rows = {"domain": [edge, 1], "range": [-0.5, len(bars) - 0.5], "visible": False}
    figure.update_layout(yaxis={"domain": [0, edge]}, yaxis2={**rows, "fixedrange": True})
    for row, bar in enumerate(reversed(bars)):
        figure.add_scatter(
            x=[bar.start, bar.stop],
            y=[row, row],
            yaxis="y2",
            mode="lines",
            line={"width": 15, "color": bar.colour},
            name=bar.name,
            showlegend=False,
            hoverinfo="skip",
        )
        is_late = 2 * bar.start > last
        figure.add_annotation(
            x=bar.stop if is_late else bar.start,
            y=row,
            yref="y2",
            text=bar.name,
            showarrow=False,
            xanchor="right" if is_late else "left",
            font={"size": 11, "color": INK},
        )


def place_labels(reached: dict[str, int], last_step: int) -> list[Label]:
    """Return labels at the side of their lines where they fit, one for two that would overlap."""
    labels = [
        Label(f"{name} {step:,}", step, "right" if _fits_left(step, last_step) else "left")
        for name, step in reached.items()
    ]
    spans = sorted(_span(label, last_step) for label in labels)
    if all(first[1] <= second[0] for first, second in pairwise(spans)):
        return labels
    step = max(reached.values())
    text = " · ".join(label.text for label in labels)
    return [Label(text, step, "right" if 2 * step > last_step else "left")]


def _fits_left(step: int, last_step: int) -> bool:
    return step >= LABEL_WIDTH * last_step


def _span(label: Label, last_step: int) -> tuple[float, float]:
    step, width = float(label.step), LABEL_WIDTH * last_step
    is_left_of_step = label.side == "right"  # its right end lies at the step
    return (step - width, step) if is_left_of_step else (step, step + width)
