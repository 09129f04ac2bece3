"""The panel that compares pretext tasks: correlations with their intervals, and the matrix."""

from collections.abc import Hashable, Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd
import plotly.graph_objects as go
from markupsafe import Markup

from explaind.experiments.task_correlations import OVER
from explaind.report.choices import Choice, controls, show_first, shown_for
from explaind.report.html import render
from explaind.report.page import Panel, Plot
from explaind.report.plots.theme import COMPONENTS, label_axes, mark_zero, new_figure
from explaind.report.text import MINUS

MARGIN = 0.1
RANKS = {"pearson": "Pearson", "spearman": "Spearman"}


def correlation_panel(
    table: pd.DataFrame, cases: Mapping[str, str], sample: str, caption: str, file: Path
) -> Panel:
    """Draw the correlations of all pairs of tasks.

    Args:
        table: that of `task_correlations.summary`.
        cases: what its cases are called.
        sample: what a sample is called, an image say.
        caption: what is correlated.
        file: the file of the table.

    Returns:
        The panel.
    """
    over = {OVER[0]: f"over all {sample}s at once", OVER[1]: f"of each {sample}, then the mean"}
    choices = (Choice("over", "Correlated", over), Choice("rank", "Coefficient", RANKS))
    case = Choice("case", "Matrix of", cases)
    intervals = int(table["repetitions"].iloc[0]) > 1
    text = " Bars: 95 % interval of the mean over the trainings." if intervals else ""
    return Panel(
        letter="a",
        title="How much do the tasks agree?",
        caption=f"{caption}{text}",
        controls=controls(*choices, case),
        plots=(Plot("correlations", _figure(table, cases, choices)),),
        extra=shown_for(list(_matrices(table, cases)), *choices, case),
        tables=(file,),
    )


def _figure(
    table: pd.DataFrame, cases: Mapping[str, str], choices: tuple[Choice, ...]
) -> go.Figure:
    figure = new_figure(380)
    for (over, rank), (colour, (key, name)) in product(
        product(OVER, RANKS), zip(COMPONENTS, cases.items(), strict=False)
    ):
        rows = _rows(table, key, over, rank)
        figure.add_scatter(
            x=rows["task"] + " and<br>" + rows["other"],
            y=rows["mean"],
            error_y={"type": "data", "array": rows["high"] - rows["mean"]},
            name=name,
            mode="markers",
            marker={"color": colour, "size": 9},
            meta={"over": over, "rank": rank},
            hovertemplate="%{y:.2f}",
        )
    lowest = min(0.0, float(table["mean"].min()))  # bars of few trainings go beyond
    label_axes(figure, "", "correlation", range=[lowest - MARGIN, 1 + MARGIN])
    figure.update_layout(scattermode="group", scattergap=0.5)
    mark_zero(figure)
    show_first(figure, choices, {})
    return figure


def _matrices(
    table: pd.DataFrame, cases: Mapping[str, str]
) -> Iterator[tuple[dict[str, str], Markup]]:
    """The matrices, mean and standard deviation, with what each is shown for."""
    for over, rank, case in product(OVER, RANKS, cases):
        rows = _rows(table, case, over, rank)
        tasks = [rows["task"].iloc[0], *rows["other"].unique()]
        cells = {(row["task"], row["other"]): _cell(row) for row in rows.to_dict("records")}
        cells |= {(other, task): cell for (task, other), cell in cells.items()}
        matrix = render(
            "columns.html",
            caption="Mean and standard deviation over the trainings.",
            label="Correlations of all pairs of tasks",
            titles=["task", *tasks],
            rows=[[task, *(cells.get((task, other), "1") for other in tasks)] for task in tasks],
        )
        yield {"over": over, "rank": rank, "case": case}, matrix


def _cell(row: Mapping[Hashable, Any]) -> str:
    return f"{row['mean']:.2f} ± {row['std']:.2f}".replace("-", MINUS)


def _rows(table: pd.DataFrame, case: str, over: str, rank: str) -> pd.DataFrame:
    wanted = {"case": case, "over": over, "rank": rank}
    return table[(table[list(wanted)] == pd.Series(wanted)).all(axis=1)]
