"""Pages of kind `feature_consistency`: what moves a representation when it is hidden."""

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from explaind.experiments.feature_consistency.tables import (
    CONTROLS,
    FEW,
    FeatureConsistencyTables,
)
from explaind.report.choices import Choice, controls, show_first
from explaind.report.html import render
from explaind.report.method_names import FEATURE_METHODS
from explaind.report.page import About, Fact, Files, Page, Panel, Plot
from explaind.report.plots.bands import add_banded_line
from explaind.report.plots.theme import COMPONENTS, MUTED, label_axes, new_figure
from explaind.report.text import number, percent, signed

DASHES = dict(zip(CONTROLS, ("solid", "dash", "dot"), strict=True))
FAIR = {"random_lit": "Above random, not black", "brightest": "Above brightest first"}
"""Controls that waste nothing on black pixels, and what the columns are called."""

SHOWN = 52  # % hidden at first; a double click shows all
QUANTITY = Choice(
    "quantity",
    "Shift",
    {"normalised": "relative to everything hidden", "shift": "as published, not normalised"},
)
Y_TITLES = {
    "normalised": "shift / shift with everything hidden",
    "shift": "‖f(x) \N{MINUS SIGN} f(x masked)‖²",
}


def draw(tables: FeatureConsistencyTables, about: About) -> Page:
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
            "An encoder turns an input x into a representation f(x), and no label says which part "
            "of the input should matter. A label-free method attributes the inner product "
            "⟨f(x), f(x)⟩ to the features of x. If it is right, hiding the features that it calls "
            "most important moves the representation further than hiding any others."
        ),
        facts=_facts(tables.areas),
        panels=(_curve_panel(tables.shifts, about.files), _area_panel(tables.areas, about.files)),
    )


def _facts(areas: pd.DataFrame) -> tuple[Fact, ...]:
    facts = []
    for encoder, rows in areas.groupby("encoder", sort=False):
        methods = rows[~rows["method"].isin(CONTROLS)]
        if len(methods):
            best = methods.sort_values("mean", ascending=False, kind="stable").iloc[0]
            text = f"area to {percent(FEW)}, {encoder}"
            label = f"Best: {FEATURE_METHODS[best['method']]}"
            facts.append(Fact(label, number(float(best["mean"]), 2), text))
    trainings = int(areas["repetitions"].min())
    return (*facts, Fact("Trainings of each encoder", str(trainings), "other random numbers"))


def _encoder_choice(table: pd.DataFrame) -> Choice:
    return Choice(
        "encoder", "Encoder", {str(name): str(name) for name in table["encoder"].unique()}
    )


def _curve_panel(shifts: pd.DataFrame, files: Files) -> Panel:
    choices = (_encoder_choice(shifts), QUANTITY)
    figure = new_figure(460)
    colours = iter(COMPONENTS)
    styles: dict[str, dict[str, Any]] = {
        str(method): (
            {"color": MUTED, "width": 1.8, "dash": DASHES[method]}
            if method in CONTROLS
            else {"color": next(colours), "width": 2}
        )
        for method in shifts["method"].unique()
    }
    for key, rows in shifts.groupby(["encoder", "quantity", "method"], sort=False):
        encoder, quantity, method = map(str, key)
        mean, low, high = (rows[column].to_numpy() for column in ("mean", "smallest", "largest"))
        add_banded_line(
            figure,
            100 * rows["fraction"].to_numpy(),
            mean,
            (low, high),
            FEATURE_METHODS[method],
            styles[method],
            meta={"encoder": encoder, "quantity": quantity},
        )
    figure.update_xaxes(range=[0, SHOWN])
    label_axes(figure, "hidden: % of pixels or time steps", "", rangemode="tozero")
    titles = {value: {"yaxis.title.text": title} for value, title in Y_TITLES.items()}
    show_first(figure, choices, {"quantity": titles})
    return Panel(
        letter="a",
        title="How far does the representation move?",
        caption=(
            "Mean squared shift of the representation when the most important pixels (or time "
            "steps) are set to their baseline: black, the mean normal series, or the image itself, "
            "blurred. Coloured: label-free methods; grey: controls that do not know the encoder "
            "(brightest: furthest from the baseline). Bands: "
            "smallest to largest of the trainings. Look at the left end: a method is of use "
            "if few hidden features move the representation further than the controls do. On dark "
            "images a random choice wastes most of what it hides on black pixels, so the fair "
            "controls are those that take pixels that are not black, at random or brightest first."
        ),
        controls=controls(*choices),
        plots=(Plot("shifts", figure),),
        tables=(files["shifts"],),
    )


def _area_panel(areas: pd.DataFrame, files: Files) -> Panel:
    return Panel(
        letter="b",
        title="All methods in one number",
        extra=render(
            "columns.html",
            caption=(
                f"Area: mean of the normalised shift while 0 to {percent(FEW)} of the input is "
                "hidden; 1 = the first feature moves the representation as far as all together. "
                "Beyond that all good methods are alike. The last columns say by how much it is "
                "larger than that of the controls, network by network. In brackets: 95 % intervals "
                "over the trainings (two at least); one that leaves out 0 is a difference."
            ),
            label="Area of every method",
            titles=("Encoder", "Method", f"Area to {percent(FEW)}", *FAIR.values()),
            rows=[_area_row(row) for row in areas.to_dict("records")],
        ),
        tables=(files["areas"],),
    )


def _area_row(row: Mapping[Hashable, Any]) -> tuple[str, ...]:
    area = f"{number(row['mean'], 3)} ({number(row['low'], 3)} to {number(row['high'], 3)})"
    margins = (
        f"{signed(row[key], 2)} ({signed(row[f'{key}_low'], 2)} to {signed(row[f'{key}_high'], 2)})"
        for key in (f"above_{control}" for control in FAIR)
    )
    return (row["encoder"], FEATURE_METHODS[row["method"]], area, *margins)
