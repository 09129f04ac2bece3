"""Pages of kind `language_influence`: which language teaches which."""

from explaind.experiments.language_influence.plots import (
    influence_map,
    parts_figure,
    shares_figure,
)
from explaind.experiments.language_influence.tables import LanguageTables
from explaind.report.choices import controls
from explaind.report.html import render
from explaind.report.page import About, Fact, Page, Panel, Plot
from explaind.report.plots.steps import cumulative_figure, decomposition_figure
from explaind.report.tables.phases import Phases
from explaind.report.text import measured, number, percent, signed

BLOCKS = ("attention", "MLP")
SMOOTHED = 0.05  # of the steps that a curve is averaged over


def draw(tables: LanguageTables, about: About) -> Page:
    """Put the page together.

    Args:
        tables: all numbers.
        about: what the page is about.

    Returns:
        The page.
    """
    languages = tables.influence.sizes["explained"]
    return Page(
        about,
        subtitle=f"{languages} languages",
        lead=(
            "The model was trained on text in several languages, one crop of each in every batch. "
            "What is explained is how well it predicts held-out text of each language: the mean "
            "log-probability per token. Influence of a language is what all its crops did to that, "
            "along the whole training."
        ),
        facts=_facts(tables),
        panels=(
            _map_panel(tables, about),
            _nearest_panel(tables, about),
            _share_panel(tables, about),
            _parts_panel(tables, about),
        ),
    )


def _facts(tables: LanguageTables) -> tuple[Fact, ...]:
    parts = tables.parts
    change = (parts["final"] - parts["initial"]).abs()
    own = tables.influence.sum(("interval", "component"))
    share = float(abs(own.to_numpy().diagonal()).sum() / abs(own.to_numpy()).sum())
    facts = [
        Fact(
            "Mean change",
            measured(signed(float((parts["final"] - parts["initial"]).mean())), tables.unit),
            "of the mean log-probability per token",
        ),
        Fact(
            "Residual",
            number(float((parts["residual"].abs() / change).max()), 2),
            "largest of a language, as a fraction of its change",
        ),
        Fact("From the language itself", percent(share), "of the sizes of all influences"),
    ]
    if tables.families is not None:
        facts.append(
            Fact(
                "Agreement with known families",
                number(tables.families.rand, 2),
                f"adjusted Rand index, p = {number(tables.families.p_value, 2)} by permutation;"
                f" cophenetic correlation {number(tables.families.cophenetic, 2)}",
            )
        )
    return tuple(facts)


def _map_panel(tables: LanguageTables, about: About) -> Panel:
    figure, choices = influence_map(tables.influence, tables.unit)
    return Panel(
        letter="a",
        title="Which language teaches which",
        caption=(
            "Influence of the crops of a language (columns) on held-out text of a language (rows), "
            f"{tables.unit} per token; positive = made it more likely. Languages are ordered by "
            "hierarchical clustering of their normalised influence over the whole run: those alike "
            "lie side by side. Choose a component and an interval of training (gradient step); "
            "each map has its own colours."
        ),
        controls=controls(*choices),
        plots=(Plot("map", figure),),
        tables=(about.files["influence"],),
    )


def _nearest_panel(tables: LanguageTables, about: About) -> Panel:
    rows = [
        (
            str(name),
            number(float(some["normalised_influence"].iloc[0]), 2),
            "; ".join(map(str, some["nearest"])),
        )
        for name, some in tables.nearest.groupby("language", sort=False)
    ]
    return Panel(
        letter="b",
        title="Nearest languages",
        caption=(
            "By normalised influence: the mean of both directions, relative to the geometric mean "
            "of what both did to themselves. The number is that of the first; near 0 there is no "
            "nearest one, whatever its name: that language learned next to nothing from the others."
        ),
        extra=render("table.html", rows=rows),
        tables=(about.files["nearest"],),
    )


def _share_panel(tables: LanguageTables, about: About) -> Panel:
    shares = tables.shares.assign(
        block=[
            next((block for block in BLOCKS if name.endswith(block)), name)
            for name in tables.shares["component"]
        ]
    )
    by_block = shares.groupby(["start", "block"], sort=False)["share"].sum().unstack()
    first, last = by_block.iloc[0], by_block.iloc[-1]
    told = "".join(
        f"; all {block} from {percent(float(first[block]))} in the first interval to"
        f" {percent(float(last[block]))} in the last"
        for block in BLOCKS
        if block in by_block  # an own model may have none, or call them otherwise
    )
    return Panel(
        letter="c",
        title="Through which components, and when",
        caption=(
            "Share of every component in the sizes of the influences of all languages on all, by "
            f"interval of training (gradient step){told}."
        ),
        plots=(Plot("shares", shares_figure(tables.shares)),),
        tables=(about.files["shares"],),
    )


def _parts_panel(tables: LanguageTables, about: About) -> Panel:
    window = max(1, round(SMOOTHED * len(tables.steps)))
    return Panel(
        letter="d",
        title="Data against regularisation",
        caption=(
            "What changed the prediction of each language, and of all on average step by step: "
            "training text, weight decay, and the residual of the integration; "
            f"{tables.unit} per token, positive = more likely. No momentum was carried into the "
            "training from before."
        ),
        plots=(
            Plot("parts", parts_figure(tables.parts, tables.unit), "Whole training"),
            Plot(
                "steps",
                decomposition_figure(tables.steps, window, tables.unit, Phases()),
                f"Per step, moving average over {window} steps",
            ),
            Plot("sums", cumulative_figure(tables.steps, tables.unit, Phases()), "Added up"),
        ),
        tables=(about.files["parts"], about.files["steps"]),
    )
