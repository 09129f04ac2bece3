"""Figures that set the reformulated model beside the true one."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from explaind.report.plots.theme import (
    DATA,
    DECAY,
    MUTED,
    RESIDUAL,
    TRUE,
    VALIDATION,
    add_line,
    label_axes,
    new_figure,
    use_log_axis,
    use_whole_ticks,
)
from explaind.report.tables.agreement import subsample
from explaind.report.tables.outputs import model_output_name
from explaind.report.text import axis_title

MAX_SCATTER_POINTS = 3000
MAX_BINS = 80


def scatter_figure(table: pd.DataFrame, unit: str, seed: int = 0) -> go.Figure:
    """Draw reformulated against true outputs with the identity line.

    Args:
        table: the table of `output_table`; large ones are subsampled.
        unit: unit of the outputs of the model.
        seed: seed of the subsample.

    Returns:
        The figure.
    """
    figure = new_figure(460)
    groups = [("outputs", ~table["is_target"], RESIDUAL, 0.45)]
    if _has_classes(table):
        groups = [
            ("other classes", ~table["is_target"], RESIDUAL, 0.45),
            ("correct class", table["is_target"], VALIDATION, 0.75),
        ]
    ends = [float(table["true"].min()), float(table["true"].max())]
    figure.add_scatter(
        x=ends,
        y=ends,
        mode="lines",
        name="identity",
        line={"color": MUTED, "width": 1},
        hoverinfo="skip",
    )
    for name, rows, colour, opacity in groups:
        points = subsample(table[rows], MAX_SCATTER_POINTS, seed)
        figure.add_scatter(
            x=points["true"].to_numpy(dtype=np.float32),
            y=points["reformulated"].to_numpy(dtype=np.float32),
            customdata=points["error"].to_numpy(dtype=np.float32),
            mode="markers",
            name=name,
            marker={"color": colour, "size": 5, "opacity": opacity},
            hovertemplate=(
                "true %{x:.4g}, reformulated %{y:.4g}<br>error %{customdata:+.2e}<extra></extra>"
            ),
        )
    figure.update_layout(hovermode="closest")
    output = _output_name(table, unit)
    label_axes(
        figure, axis_title(f"true {output}", unit), axis_title(f"reformulated {output}", unit)
    )
    return figure


def error_figure(table: pd.DataFrame, unit: str) -> go.Figure:
    """Return the histogram of true minus reformulated outputs, binned before it is drawn."""
    error = f"error: true minus reformulated {_output_name(table, unit)}"
    figure = _histogram(
        table["error"].to_numpy(),
        axis_title(error, unit, "", "signed"),
        "number of outputs (log scale)",
    )
    use_log_axis(figure)
    return figure


def _output_name(table: pd.DataFrame, unit: str) -> str:
    return model_output_name(unit) if _has_classes(table) else "output"


def _has_classes(table: pd.DataFrame) -> bool:
    return bool(table["is_target"].any())


def residual_share_figure(completeness: pd.DataFrame) -> go.Figure:
    """Return the histogram over samples of the share of their total change that is residual."""
    return _histogram(
        100 * completeness["residual_share"].to_numpy(),
        "residual, fraction of the total change (%)",
        "number of validation samples",
    )


def completeness_figure(completeness: pd.DataFrame, unit: str) -> go.Figure:
    """Draw how large change, residual and, of it, rounding are, each sorted by size.

    Args:
        completeness: the table of `decomposition_by_sample`.
        unit: unit of the explained output.

    Returns:
        The figure.
    """
    figure = new_figure(340)
    lines = {
        "change of the output": (completeness["final"] - completeness["initial"], TRUE),
        "residual": (completeness["residual"], RESIDUAL),
        "of which rounding": (completeness["rounding"], DECAY),
    }
    share = pd.Series(100 * (np.arange(len(completeness)) + 0.5) / len(completeness))
    for name, (values, colour) in lines.items():
        sizes = np.sort(np.abs(values.to_numpy()))
        line = {"color": colour, "width": 1.8}
        add_line(figure, share, np.where(sizes > 0, sizes, np.nan), name, line)
    label_axes(
        figure,
        "validation samples, each line sorted by size (%)",
        axis_title("size, whole training", unit, "", "log scale"),
    )
    use_log_axis(figure)
    return figure


def _histogram(values: np.ndarray, x: str, y: str) -> go.Figure:
    known = values[np.isfinite(values)]
    bins = int(np.clip(2 * np.sqrt(len(known)), 5, MAX_BINS))
    counts, edges = np.histogram(known, bins=bins)
    figure = new_figure(340)
    figure.add_bar(
        x=(edges[:-1] + edges[1:]) / 2,
        y=np.where(counts > 0, counts, np.nan),
        width=np.diff(edges),
        marker={"color": DATA, "line": {"width": 0}},
        hovertemplate="%{x:.3g}: %{y}<extra></extra>",
    )
    figure.update_layout(hovermode="closest", bargap=0, showlegend=False)
    label_axes(figure, x, y)
    use_whole_ticks(figure, int(counts.max()))
    return figure
