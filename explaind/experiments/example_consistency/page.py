"""Pages of kind `example_consistency`: which training samples are called important."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from markupsafe import Markup

from explaind.experiments.example_consistency.tables import ExampleConsistencyTables
from explaind.report.choices import Choice, controls, show_first
from explaind.report.html import render
from explaind.report.method_names import EXAMPLE_METHOD_KINDS, EXAMPLE_METHODS
from explaind.report.page import About, Fact, Files, Page, Panel, Plot
from explaind.report.plots.bands import add_banded_line
from explaind.report.plots.theme import (
    BLACK,
    BLUE,
    GREEN,
    INK,
    MUTED,
    ORANGE,
    PURPLE,
    SKY,
    VERMILLION,
    label_axes,
    new_figure,
)
from explaind.report.text import number, percent, signed

STYLES = {
    "path_kernel": {"color": BLACK, "width": 2.4},
    "simplex": {"color": BLUE, "width": 2},
    "dknn": {"color": SKY, "width": 2, "dash": "dash"},
    "cosine": {"color": GREEN, "width": 2, "dash": "dot"},
    "influence_functions": {"color": VERMILLION, "width": 2},
    "tracin": {"color": ORANGE, "width": 2, "dash": "dash"},
    "gradient_product": {"color": PURPLE, "width": 2, "dash": "dot"},
}
END = Choice("end", "Selected", {"most": "the most important", "least": "the least important"})
LIMITS = {"most": "largest possible (size of the classes)", "least": "smallest possible"}


def draw(tables: ExampleConsistencyTables, about: About) -> Page:
    """Put the page together.

    Args:
        tables: all numbers.
        about: what the page is about.

    Returns:
        The page.
    """
    return Page(
        about,
        lead=(
            "Which training samples matter for how an encoder represents a test sample? The "
            "encoder has seen no label; so labels can test the answer. If a method is right, the "
            "training samples that it calls most important are of the class of the test sample "
            "far more often than by chance, and the least important less often."
        ),
        facts=_facts(tables.areas),
        panels=(
            _curve_panel(tables.rates, about.files),
            _table_panel(tables.areas, about.files),
            _check_panel(tables.checks, about.files),
        ),
    )


def _facts(areas: pd.DataFrame) -> tuple[Fact, ...]:
    best = [
        rows.sort_values("most", ascending=False, kind="stable").iloc[0]
        for _, rows in areas.groupby(
            ["encoder", areas["method"].map(EXAMPLE_METHOD_KINDS)], sort=False
        )
    ]
    few = percent(float(areas["fraction"].iloc[0]))
    return tuple(
        Fact(
            f"By the {EXAMPLE_METHOD_KINDS[row['method']]}: {EXAMPLE_METHODS[row['method']]}",
            percent(round(float(row["most"]), 3)),
            f"of the {few} most important have the label, {row['encoder']}",
        )
        for row in best
    )


def _curve_panel(rates: pd.DataFrame, files: Files) -> Panel:
    names = {str(name): str(name) for name in rates["encoder"].unique()}
    choices = (Choice("encoder", "Encoder", names), END)
    figure = new_figure(480)
    for key, rows in rates.groupby(["encoder", "end", "method"], sort=False):
        encoder, end, method = map(str, key)
        x, meta = 100 * rows["fraction"].to_numpy(), {"encoder": encoder, "end": end}
        mean, low, high = (rows[column].to_numpy() for column in ("mean", "smallest", "largest"))
        add_banded_line(
            figure, x, mean, (low, high), EXAMPLE_METHODS[method], STYLES[method], meta=meta
        )
    for pair, rows in rates.groupby(["encoder", "end"], sort=False):
        (encoder, end), own = map(str, pair), rows.drop_duplicates("fraction")
        meta = {"encoder": encoder, "end": end}
        x = 100 * own["fraction"].to_numpy()
        chance = own["limit"].iloc[own["fraction"].argmax()]  # with everything selected
        _add_reference(figure, x, own["limit"].to_numpy(), LIMITS[end], "dash", meta)
        _add_reference(figure, x, [chance] * len(x), "chance", "dot", meta)
    label_axes(figure, "selected: % of the training samples", "share with the label")
    figure.update_yaxes(range=[-0.02, 1.02])
    show_first(figure, choices, {})
    return Panel(
        letter="a",
        title="How many of the selected training samples have the label?",
        caption=(
            "Share of the selected training samples that have the label of the test sample, mean "
            "over the test samples; of equal scores, chance decides. Bands: smallest to "
            "largest of the trainings. Grey, dashed: what no method can exceed, as a class has "
            "no more samples; dotted: samples drawn at random. Black: the path kernel, which asks "
            "which training samples made the representation as large as it is (its squared norm), "
            "along the whole recorded training. Blue and green: methods that compare "
            "representations. Red, orange, purple: gradients of the training loss."
        ),
        controls=controls(*choices),
        plots=(Plot("rates", figure),),
        tables=(files["rates"],),
    )


def _add_reference(
    figure: go.Figure,
    x: np.ndarray,
    y: np.ndarray | Sequence[float],
    name: str,
    dash: str,
    meta: Mapping[str, str],
) -> None:
    line = {"color": MUTED if dash == "dash" else INK, "width": 1.2, "dash": dash}
    figure.add_scatter(
        x=x, y=y, name=name, mode="lines", line=line, hovertemplate="%{y:.3g}", meta=meta
    )


def _table_panel(areas: pd.DataFrame, files: Files) -> Panel:
    few = percent(float(areas["fraction"].iloc[0]))
    return Panel(
        letter="b",
        title=f"The {few} most and least important",
        extra=render(
            "columns.html",
            caption=(
                "A method tells classes apart if its most important samples have the label more "
                "often than its least important ones. Intervals: 95 %, of the mean over the "
                "trainings, network by network; they need two trainings at least."
            ),
            label="Most and least important samples",
            titles=(
                "Encoder",
                "Method",
                "Looks at",
                "Most",
                "Limit",
                "Least",
                "Difference",
                "its 95 % interval",
            ),
            rows=[_row(row) for row in areas.to_dict("records")],
        ),
        tables=(files["areas"],),
    )


def _row(row: Mapping[Hashable, Any]) -> tuple[str, ...]:
    return (
        row["encoder"],
        EXAMPLE_METHODS[row["method"]],
        EXAMPLE_METHOD_KINDS[row["method"]],
        number(row["most"], 3),
        number(row["limit"], 3),
        number(row["least"], 3),
        signed(row["mean"], 2),
        f"{signed(row['low'], 2)} to {signed(row['high'], 2)}",
    )


def _check_panel(checks: pd.DataFrame, files: Files) -> Panel:
    rows = [
        (
            row["encoder"],
            _named(row["check"]),
            *(number(row[name], 3) for name in ("mean", "largest")),
            _judged(row),
        )
        for row in checks.to_dict("records")
    ]
    return Panel(
        letter="c",
        title="Were the methods solved?",
        extra=render(
            "columns.html",
            caption=(
                "Residuals are relative; completeness is what the path kernel leaves unexplained, "
                "which has to be small for every training. "
                "A cosine of 1 to the raw gradient would say that influence functions are "
                "nothing but a gradient product, as with the published solver."
            ),
            label="How well the methods were solved",
            titles=("Encoder", "Check", "Mean", "Largest", "Allowed"),
            rows=rows,
        ),
        tables=(files["checks"],),
    )


def _judged(row: Mapping[Hashable, Any]) -> Markup:
    """What is allowed, and whether it is kept; empty where nothing is asked."""
    if np.isnan(row["allowed"]):
        return Markup()
    look, word = ("faithful", "kept") if row["kept"] else ("unfaithful", "exceeded")
    badge = Markup('<strong class="badge {}">{}</strong>').format(look, word)
    return Markup("{} {}").format(number(row["allowed"], 1), badge)


def _named(check: str) -> str:
    """A check with the name that its method has on pages."""
    method, _, what = check.partition(": ")
    return f"{EXAMPLE_METHODS[method]}: {what}"
