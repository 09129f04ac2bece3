"""Pages of kind `single_steps`: what single steps say of the whole training."""

import numpy as np

from explaind.experiments.single_steps.tables import SingleStepTables
from explaind.report.html import render
from explaind.report.page import About, Fact, Page, Panel, Plot
from explaind.report.plots.theme import (
    DATA,
    DECAY,
    GREEN,
    INK,
    MUTED,
    RESIDUAL,
    add_line,
    label_axes,
    label_step_axes,
    mark_zero,
    new_figure,
)
from explaind.report.text import axis_title, number, percent

PARTS = {
    "data": ("batch of the step", DATA, "solid"),
    "carry": ("earlier gradients, by momentum (carry)", GREEN, "dashdot"),
    "decay": ("regularisation", DECAY, "dash"),
    "residual": ("residual", RESIDUAL, "dot"),
}


def draw(tables: SingleStepTables, about: About) -> Page:
    """Put the page together.

    Args:
        tables: all numbers.
        about: what the page is about.

    Returns:
        The page.
    """
    points = len(tables.parts)
    return Page(
        about,
        subtitle=f"{points} single steps",
        lead=(
            "A large model is rarely explained over its whole training, but by single steps, each "
            "from a checkpoint: what the batch of that step did within it. Momentum applies most "
            "of a gradient later; in the step that is nobody's influence. This page compares "
            "such steps with the exact influence over the whole training."
        ),
        facts=_facts(tables),
        panels=(
            _pair_panel(tables, about),
            _interval_panel(tables, about),
            _part_panel(tables, about),
            _component_panel(tables, about),
        ),
    )


def _facts(tables: SingleStepTables) -> tuple[Fact, ...]:
    pearson, spearman = tables.correlations()
    sizes = tables.parts[["data", "carry"]].abs().sum()
    return (
        Fact(
            "Correlation",
            number(pearson, 2),
            "Pearson's, of single steps and whole training, over pairs of different languages;"
            f" Spearman's {number(spearman, 2)}",
        ),
        Fact(
            "Size",
            percent(tables.share()),
            "of the influence over the whole training shows within single steps, if each stands "
            "for as many steps",
        ),
        Fact(
            "Carried by momentum",
            percent(float(sizes["carry"] / sizes.sum())),
            "of what data did in the steps was done by earlier gradients, sizes of the means over "
            "the languages",
        ),
    )


def _pair_panel(tables: SingleStepTables, about: About) -> Panel:
    figure = new_figure(420)
    own = tables.pairs["explained"] == tables.pairs["trained"]
    kinds = {"a language on another one": (~own, MUTED), "a language on itself": (own, DATA)}
    for name, (rows, colour) in kinds.items():
        some = tables.pairs[rows]
        figure.add_scatter(
            x=some["path"].to_numpy(dtype=np.float32),
            y=some["single"].to_numpy(dtype=np.float32),
            text=some["trained"] + " on " + some["explained"],
            mode="markers",
            name=name,
            marker={"color": colour, "size": 5, "opacity": 0.7},
            hovertemplate="%{text}: whole %{x:.3g}, single %{y:.3g}<extra></extra>",
        )
    figure.update_layout(hovermode="closest")
    titles = (
        axis_title(name, tables.unit, "per token", "+ = more likely")
        for name in ("whole training", "single steps")
    )
    label_axes(figure, *titles)
    return Panel(
        letter="a",
        title="Pair by pair",
        caption=(
            "Each point is the influence of one language on held-out text of one: over the whole "
            "training, and the sum of the single steps, each times the steps of its part of the "
            "training, in whose middle it lies."
        ),
        plots=(Plot("pairs", figure),),
        tables=(about.files["pairs"],),
    )


def _interval_panel(tables: SingleStepTables, about: About) -> Panel:
    figure, rows = new_figure(300), tables.intervals
    middle = (rows["start"] + rows["stop"] - 1) / 2
    add_line(figure, middle, rows["correlation"], "correlation", {"color": INK, "width": 2})
    figure.update_traces(mode="lines+markers")
    label_step_axes(figure, "Pearson correlation", "gradient_step", range=[-1.05, 1.05])
    mark_zero(figure)
    return Panel(
        letter="b",
        title="When",
        caption=(
            "The same correlation over pairs of different languages in each interval of training, "
            "by the single steps that lie in it (1 = they tell all, 0 = nothing)."
        ),
        plots=(Plot("intervals", figure),),
        tables=(about.files["intervals"],),
    )


def _part_panel(tables: SingleStepTables, about: About) -> Panel:
    figure = new_figure(400)
    for column, (name, colour, dash) in PARTS.items():
        line = {"color": colour, "dash": dash, "width": 1.8}
        add_line(figure, tables.parts["step"], tables.parts[column], name, line)
    title = axis_title("change", tables.unit, "per token", "+ = more likely")
    label_step_axes(figure, title, "application_step")
    mark_zero(figure)
    return Panel(
        letter="c",
        title="Data against carry against regularisation",
        caption="What changed the prediction within each of the steps, mean over the languages.",
        plots=(Plot("parts", figure),),
        tables=(about.files["parts"],),
    )


def _component_panel(tables: SingleStepTables, about: About) -> Panel:
    rows = [
        [row["component"], percent(row["single"]), percent(row["path"])]
        for row in tables.components.to_dict("records")
    ]
    return Panel(
        letter="d",
        title="Through which components",
        extra=render(
            "columns.html",
            caption="Share of every component in the sizes of the influences of all languages on "
            "all, summed over the single steps and over the whole training.",
            label="Components",
            titles=["Component", "Single steps", "Whole training"],
            rows=rows,
        ),
        tables=(about.files["components"],),
    )
