"""Pages of kind `swap`: earlier networks with components of the trained one."""

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd
from markupsafe import Markup

from explaind.experiments.swap.plots import (
    confusion_choices,
    confusion_figure,
    curve_choices,
    curve_figure,
)
from explaind.experiments.swap.tables import SETS, UNTOUCHED, SwapTables
from explaind.report.choices import controls
from explaind.report.html import render
from explaind.report.page import About, Fact, Files, Page, Panel, Plot
from explaind.report.tables.phases import THRESHOLD
from explaind.report.text import number, percent, signed, step


def draw(tables: SwapTables, about: About) -> Page:
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
            "Does an earlier network already hold part of the solution? At every checkpoint of the "
            "training some components are replaced by those of the trained network; the others "
            "stay as they were at that step. Nothing is trained afterwards. Where such a network "
            "generalises although the checkpoint itself does not, the components that stayed were "
            "ready before the ones that were replaced."
        ),
        facts=_facts(tables.gains),
        panels=(
            _curve_panel(tables, about.files),
            _gain_panel(tables.gains, about.files),
            _confusion_panel(tables, about.files),
        ),
    )


def _facts(gains: pd.DataFrame) -> tuple[Fact, ...]:
    """Sum up the sets of the configuration, or all if there are none."""
    untouched = gains[gains["group"] == UNTOUCHED]
    swapped = gains[gains["group"] == SETS]
    if swapped.empty:
        swapped = gains.drop(index=untouched.index)
    best, earliest = (
        swapped.sort_values(column, ascending=column != "gain", kind="stable").to_dict("records")[0]
        for column in ("gain", "generalised")
    )
    taken = "taken from the trained network"
    return (
        Fact(
            "Largest gain of accuracy",
            _points(best["gain"]),
            f"{best['swapped']} {taken}, step {_at(best)}",
        ),
        Fact(
            "Generalises first at step",
            _step(earliest["generalised"]),
            f"{earliest['swapped']} {taken}",
        ),
        Fact(
            "Untouched",
            _step(untouched["generalised"].iloc[0]),
            "first checkpoint from which it generalises",
        ),
    )


def _curve_panel(tables: SwapTables, files: Files) -> Panel:
    return Panel(
        title="Which components make an earlier network work?",
        caption=Markup(
            "Each line: the networks in which the named components are those of the trained "
            "network and all others those of the step. The dotted line is the untouched network "
            "of the step. Accuracy is the fraction of samples whose class is predicted; the KL "
            "divergence from the outputs of the trained network is the mean over the samples, in "
            "nat (0 = the same outputs). <em>Look for</em> lines above zero before the network "
            "itself generalises. Lines end at the same point, the trained network."
        ),
        controls=controls(*curve_choices(tables.curves)),
        plots=(Plot("swap-curves", curve_figure(tables.curves, tables.phases)),),
        tables=(files["curves"],),
    )


def _gain_panel(gains: pd.DataFrame, files: Files) -> Panel:
    rows = [
        (
            "untouched network" if row["group"] == UNTOUCHED else row["swapped"],
            _points(row["gain"]),
            _at(row),
            _step(row["generalised"]),
            number(row["kl"]),
        )
        for row in gains.to_dict("records")
    ]
    titles = (
        "Taken from the trained network",
        "Largest gain",
        "at step",
        "Generalises from step",
        "Mean KL divergence, nat",
    )
    return Panel(
        title="What each set gains",
        extra=render(
            "columns.html",
            label="Gain of each set of components",
            titles=titles,
            rows=rows,
            caption=(
                "Validation samples. Gain: accuracy less that of the untouched network of the same "
                "step, in percentage points. A network generalises from the first checkpoint on "
                f"from which all have an accuracy of {percent(THRESHOLD)} or more."
            ),
        ),
        tables=(files["gains"],),
    )


def _confusion_panel(tables: SwapTables, files: Files) -> Panel:
    return Panel(
        title="What is confused with what?",
        caption=(
            "Validation samples by true class (rows) and predicted class (columns), for the chosen "
            "step and the chosen components of the trained network; “nothing” is the untouched "
            "network. Right predictions lie on the diagonal. Stripes beside it, or columns that "
            "hold many samples, are mistakes with a system."
        ),
        controls=controls(*confusion_choices(tables.confusion)),
        plots=(Plot("confusion", confusion_figure(tables.confusion, tables.classes)),),
        tables=(files["confusion"],),
    )


def _points(share: float) -> str:
    return f"{signed(100 * share)} points"


def _at(row: Mapping[Hashable, Any]) -> str:
    return step(int(row["gain_step"]))


def _step(value: float) -> str:
    return step(None if pd.isna(value) else int(value))
