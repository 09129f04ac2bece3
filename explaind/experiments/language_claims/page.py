"""Pages of kind `language_claims`: what is claimed of languages, and what several seeds say."""

import numpy as np
import plotly.graph_objects as go
from markupsafe import Markup
from plotly.colors import hex_to_rgb

from explaind.experiments.language_claims.shares import (
    BLOCKS,
    INNER_ATTENTION,
    OUTER_MLP,
    REST,
    Phases,
    find_phases,
)
from explaind.experiments.language_claims.tables import LanguageClaimTables
from explaind.report.claims import claims_fact, claims_panel
from explaind.report.html import render
from explaind.report.page import About, Fact, Page, Panel, Plot
from explaind.report.plots.bands import add_banded_line
from explaind.report.plots.phase_marks import PhaseBar, add_phase_bars
from explaind.report.plots.theme import component_styles, label_step_axes, new_figure
from explaind.report.tables.confidence import mean_interval
from explaind.report.text import PAPER, number, percent

PHASES = {
    "outer MLPs have the largest share": OUTER_MLP,
    "intermediate attention rises": INNER_ATTENTION,
}
"""Names of the fields of `Phases` on the figure, and the block that each is about."""


def draw(tables: LanguageClaimTables, about: About) -> Page:
    """Put the page together.

    Args:
        tables: all numbers.
        about: what the page is about.

    Returns:
        The page.
    """
    return Page(
        about,
        subtitle="one seed" if len(tables.seeds) == 1 else f"{len(tables.seeds)} seeds",
        lead=(
            "Of a model of 1.7 billion parameters it is claimed that at first the MLPs of its outer"
            " layers carry the influence of languages on each other, and that later the relative "
            "influence of attention in the layers between rises. Here small models, alike but for "
            "their seeds, are explained over their whole training."
        ),
        facts=_facts(tables),
        panels=(
            claims_panel(
                tables.verdicts,
                {},
                about.files["verdicts"],
                "What is claimed, and what is found here",
                Markup(
                    "Claims of version 4 of {}, made by single steps of a large model; here of "
                    "every step of small ones, so directions compare, not sizes. Intervals are of "
                    "95 %, over the seeds."
                ).format(PAPER),
                letter="a",
            ),
            _share_panel(tables, about),
            _nearest_panel(tables, about),
            _seed_panel(tables, about),
        ),
    )


def _facts(tables: LanguageClaimTables) -> tuple[Fact, ...]:
    seeds = tables.seeds
    facts = [
        claims_fact(tables.verdicts),
        Fact(
            "Agreement of seeds",
            number(tables.agreement, 2),
            "Spearman correlation of the normalised influence of two seeds over all pairs of "
            "languages, on average",
        ),
        Fact(
            "Residual",
            number(float(seeds["residual"].max()), 2),
            "largest of a language in any seed, as a fraction of its change",
        ),
    ]
    if "rand" in seeds:
        rand = mean_interval(seeds["rand"].to_numpy())
        facts.append(
            Fact(
                "Agreement with known families",
                number(rand["mean"], 2),
                f"adjusted Rand index, mean over the seeds; 95 % interval {number(rand['low'], 2)}"
                f" to {number(rand['high'], 2)}; largest p by permutation"
                f" {number(float(seeds['p_value'].max()), 2)}",
            )
        )
    return tuple(facts)


def _share_panel(tables: LanguageClaimTables, about: About) -> Panel:
    phases = find_phases(tables.shares)
    return Panel(
        letter="b",
        title="Which blocks carry the influence, and when",
        caption=(
            "Share of each block in the sizes of the influences of all crops of a step on all "
            "languages, credited to the gradient step; moving average over a twentieth of the "
            f"steps, mean over the seeds and its 95 % interval. {_said(phases)}"
        ),
        plots=(Plot("shares", _share_figure(tables, phases)),),
        tables=(about.files["shares"],),
    )


def _said(phases: Phases) -> str:
    outer, rising = phases
    first = (
        "At no time from the beginning on do outer MLPs have the largest share of the blocks"
        if outer is None
        else f"Outer MLPs have the largest share of all blocks of layers up to step {outer[1]}"
    )
    second = (
        "intermediate attention ends no higher than it began"
        if rising is None
        else f"the share of intermediate attention rises in steps {rising[0]} to {rising[1]}"
    )
    return (
        f"{first}; {second}: by tenths of the training, on average over the seeds (bars above the "
        "lines). Whether the seeds agree is judged above."
    )


def _share_figure(tables: LanguageClaimTables, phases: Phases) -> go.Figure:
    figure, styles = new_figure(440), component_styles((*BLOCKS, REST))
    for name, line in styles.items():
        rows = tables.shares[tables.shares["block"] == name]
        columns = ("step", "mean", "low", "high")
        x, mean, low, high = (rows[k].to_numpy(dtype=np.float64) for k in columns)
        add_banded_line(figure, x, mean, (low, high), name, line)
    label_step_axes(figure, "share of absolute influence", "gradient_step", rangemode="tozero")
    add_phase_bars(
        figure,
        [
            PhaseBar(name, *span, _pale(styles[block]["color"]))
            for (name, block), span in zip(PHASES.items(), phases, strict=True)
            if span is not None
        ],
    )
    return figure


def _pale(colour: str) -> str:
    red, green, blue = hex_to_rgb(colour)
    return f"rgba({red},{green},{blue},0.25)"


def _nearest_panel(tables: LanguageClaimTables, about: About) -> Panel:
    rows = [
        (name, number(float(some["normalised_influence"].iloc[0]), 2), "; ".join(some["nearest"]))
        for name, some in tables.nearest.groupby("language", sort=False)
    ]
    return Panel(
        letter="c",
        title="Nearest languages over all seeds",
        caption=(
            "By normalised influence, its mean over the seeds: influence in both directions, "
            "relative to what both languages did to themselves. The number is that of the first; "
            "near 0 there is no nearest one, whatever its name: that language learned next to "
            "nothing from the others."
        ),
        extra=render("table.html", rows=rows),
        tables=(about.files["nearest"],),
    )


def _seed_panel(tables: LanguageClaimTables, about: About) -> Panel:
    titles = {
        "run": "Run",
        "residual": "Largest residual",
        "rand": "Adjusted Rand index",
        "p_value": "p by permutation",
        "cophenetic": "Cophenetic correlation",
    }
    known = [key for key in titles if key in tables.seeds]
    residuals = tables.seeds["residual"].map(percent)
    written = tables.seeds.assign(residual=residuals)[known]
    rows = [
        [value if isinstance(value, str) else number(value, 2) for value in row]
        for row in written.itertuples(index=False)
    ]
    caption = "Residuals are fractions of the change of a language."
    return Panel(
        letter="d",
        title="Seed by seed",
        extra=render(
            "columns.html",
            caption=caption,
            label="Seeds",
            titles=[titles[key] for key in known],
            rows=rows,
        ),
        tables=(about.files["seeds"],),
    )
