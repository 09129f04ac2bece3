"""Pages of kind `retrain`: how fast networks learn that start with parts of the trained one."""

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd
from markupsafe import Markup

from explaind.experiments.component_sets import NONE
from explaind.experiments.retrain.plots import curve_choices, curve_figure, steps_figure
from explaind.experiments.retrain.tables import RetrainTables
from explaind.report.choices import controls
from explaind.report.html import render
from explaind.report.page import About, Fact, Files, Page, Panel, Plot
from explaind.report.tables.phases import Phases
from explaind.report.text import percent, step


def draw(tables: RetrainTables, about: About) -> Page:
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
            "Which parts of the trained network save training? Networks start from small random "
            "numbers, some components are transplanted from a checkpoint of the run, and then the "
            "whole network is trained as the run was. The fewer steps it needs until it "
            "generalises, the more of the solution was in what was transplanted."
        ),
        facts=_facts(tables),
        panels=(
            _steps_panel(tables, about.files),
            _table_panel(tables, about.files),
            _curve_panel(tables, about.files),
        ),
    )


def _facts(tables: RetrainTables) -> tuple[Fact, ...]:
    steps = tables.steps[tables.steps["transplanted"] != NONE]
    last = steps[steps["source"] == steps["source"].max()]
    facts = [
        Fact(
            f"With {row['transplanted']} of step {step(row['source'])}",
            _count(row, "median"),
            f"steps; {_reached(row)}",
        )
        for row in last.to_dict("records")
    ]
    own_step = Fact("The run itself", step(tables.own_step), "first step with the same accuracy")
    return (*facts, own_step)


def _steps_panel(tables: RetrainTables, files: Files) -> Panel:
    figure = steps_figure(tables.steps, tables.trainings, tables.phases, tables.last_step)
    seeds = int(tables.steps["trainings"].max())
    bands = "" if tables.phases == Phases() else "; bands are its phases"
    return Panel(
        title="How many steps until it generalises?",
        caption=Markup(
            "Steps until the validation accuracy first reaches {}, over the step of the run that "
            "the named components are taken from; all others start from random numbers. A mark is "
            "one training (of {} for each point; sets lie side by side), a line goes through the "
            "medians. <em>An open triangle</em> is a training that ended without: it takes more "
            "steps than that, and the median takes it so (Kaplan-Meier). Where a line is missing, "
            "fewer than half of the trainings got there. <em>Look for</em> sets with few steps, "
            "and for the step of the run from which on they have them{}."
        ).format(percent(tables.goal), seeds, bands),
        plots=(Plot("retrain-steps", figure),),
        tables=(files["steps"], files["trainings"]),
    )


def _table_panel(tables: RetrainTables, files: Files) -> Panel:
    rows = [
        (
            row["transplanted"],
            "" if row["transplanted"] == NONE else step(row["source"]),
            _reached(row),
            _count(row, "median"),
            _range(row),
        )
        for row in tables.steps.to_dict("records")
    ]
    titles = ("Transplanted", "from step", "Reached", "Median steps", "Range over the seeds")
    return Panel(
        title="Steps of every set and source",
        extra=render(
            "columns.html",
            label="Steps of retraining",
            titles=titles,
            rows=rows,
            caption=_range_caption(tables.steps),
        ),
        tables=(files["steps"],),
    )


def _curve_panel(tables: RetrainTables, files: Files) -> Panel:
    return Panel(
        title="Learning curves",
        caption=(
            "Accuracy at every step of the retraining, before it is taken: mean over the seeds, "
            "and their range as a band. A training that ended early, because it had reached the "
            "goal of the run, counts with its last accuracy on average. Dotted: nothing is "
            "transplanted."
        ),
        controls=controls(*curve_choices(tables.curves)),
        plots=(Plot("retrain-curves", curve_figure(tables.curves)),),
        tables=(files["curves"],),
    )


def _range_caption(steps: pd.DataFrame) -> str:
    seeds = int(steps["trainings"].min())
    return (
        f"Fewest and most steps of {seeds} trainings. The true median lies between them with a "
        f"probability of {percent(1 - 2.0 ** (1 - seeds))}, as each of independent trainings is as "
        "likely above as below."
    )


def _reached(row: Mapping[Hashable, Any]) -> str:
    return f"{row['reached']} of {row['trainings']} trainings"


def _range(row: Mapping[Hashable, Any]) -> str:
    return " to ".join(dict.fromkeys((_count(row, "low"), _count(row, "high"))))


def _count(row: Mapping[Hashable, Any], column: str) -> str:
    if pd.isna(row[column]):
        return f"more than {step(row['longest'])}"
    return step(int(row[column]))
