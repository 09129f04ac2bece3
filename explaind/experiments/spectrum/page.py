"""Pages of kind `spectrum`: the frequencies that a network adds with."""

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd
from markupsafe import Markup

from explaind.experiments.similarity.cosines import FUNCTIONALS
from explaind.experiments.spectrum.plots import share_figure, training_figure
from explaind.experiments.spectrum.tables import SpectrumTables
from explaind.report.choices import Choice, controls
from explaind.report.html import render
from explaind.report.page import About, Fact, Page, Panel, Plot
from explaind.report.tables.phases import find_phases
from explaind.report.text import percent

WEIGHTS, SIMILARITY, INFLUENCE = "weights", "similarity", "influence"
NO_KEYS = "none"


def draw(tables: SpectrumTables, about: About) -> Page:
    """Put the page together.

    Args:
        tables: all numbers.
        about: what the page is about.

    Returns:
        The page.
    """
    share = percent(tables.key_share)
    return Page(
        about,
        lead=Markup(
            "A network can add modulo <em>p</em> by turning numbers into waves: a number "
            "<em>a</em> becomes cos(2π<em>k a</em>/<em>p</em>) and sin(2π<em>k a</em>/<em>p</em>) "
            "for a few frequencies <em>k</em>, and two waves multiply to one of <em>a + b</em>. "
            "Then the few <em>key frequencies</em> (here: {} of the power or more) show wherever "
            "numbers are compared: between the weights of two numbers, the similarity of two "
            "samples, or the influence of one sample on another. Each is averaged over the pairs "
            "of equal difference modulo <em>p</em> and decomposed into waves, exactly (discrete "
            "Fourier transform) and by the Lasso of the paper, which leaves out the weakest."
        ).format(share),
        facts=_facts(tables),
        panels=(
            _panel(tables, about, WEIGHTS, "a", WEIGHTS_CAPTION, "Weights of two numbers"),
            _panel(tables, about, SIMILARITY, "b", SIMILARITY_CAPTION, "Similarity of two samples"),
            _panel(tables, about, INFLUENCE, "c", INFLUENCE_CAPTION, "Influence between classes"),
            _agreement_panel(tables, about),
        ),
    )


WEIGHTS_CAPTION = (
    "Inner products between the rows of two numbers in a parameter tensor. Left: of the trained "
    "network; bars: share of the power of the rows, dots: by the Lasso (open = left out). "
    "Right: over training; a dark line is a key frequency that the network keeps."
)
SIMILARITY_CAPTION = (
    "Cosine between the parameter-wise influence of two samples, by the difference of their sums. "
    "Left: share of the power of the matrix, of the whole run; right: of each training interval. "
    "Look for: the same few frequencies as in the weights, in the last layers above all, and when "
    "they come up; samples that only share a number spread their power over many."
)
INFLUENCE_CAPTION = (
    "Mean influence of the training samples of one sum on the validation samples of another, by "
    "the difference of the sums. Left: of the whole run; right: of each training interval, where "
    "the run kept them. Look for: high bars at the key frequencies of the weights. Bars of about "
    "the same height mean that pairs of the same sum stand out and nothing else does."
)


def _facts(tables: SpectrumTables) -> tuple[Fact, ...]:
    keys = tables.keys[(tables.keys["source"] == WEIGHTS) & (tables.keys["interval"] == 0)]
    return tuple(
        Fact(f"Key frequencies of {name}", found or NO_KEYS, "in the trained network")
        for name, found in zip(keys["component"], keys["projection"], strict=True)
    )


def _panel(
    tables: SpectrumTables, about: About, source: str, letter: str, caption: str, title: str
) -> Panel:
    """Return both plots of the matrices of one source."""
    rows = tables.spectrum[tables.spectrum["source"] == source]
    choices = _choices(rows)
    plots = [Plot(f"{source}-shares", share_figure(rows, choices), "Frequencies")]
    if (rows["interval"] > 0).any():
        phases = find_phases(tables.metrics)
        booked = {SIMILARITY: "application_step", INFLUENCE: tables.credit}
        figure = training_figure(rows, choices, phases, booked.get(source, ""))
        plots.append(Plot(f"{source}-training", figure, "Over training"))
    return Panel(
        letter=letter,
        title=title,
        caption=caption,
        controls=controls(*choices),
        plots=plots,
        tables=(about.files["spectrum"],),
    )


def _choices(rows: pd.DataFrame) -> tuple[Choice, ...]:
    names = {str(name): str(name) for name in rows["component"].unique()}
    components = Choice("component", "Component", names)
    if set(rows["functional"]) == set(FUNCTIONALS):
        return (Choice("functional", "Explained output", FUNCTIONALS), components)
    return (components,)


def _agreement_panel(tables: SpectrumTables, about: About) -> Panel:
    keys = tables.keys[tables.keys["interval"] == 0]
    return Panel(
        letter="d",
        title="Do both methods find the same frequencies?",
        caption=(
            "Key frequencies by the projection and frequencies that the Lasso keeps, each the "
            "strongest first, of the whole run or the trained network. Power: the share that the "
            "frequencies of the Lasso have by the projection. Explained: the share of the variance "
            "of the single values that all waves together explain; the rest does not depend on the "
            "difference of the sums alone."
        ),
        extra=render(
            "columns.html",
            caption="",
            label="Key frequencies by both methods",
            titles=["Of", "Component", "Projection", "Lasso", "Power", "Explained"],
            rows=[_agreement_row(row) for row in keys.to_dict("records")],
        ),
        tables=(about.files["key_frequencies"],),
    )


def _agreement_row(row: Mapping[Hashable, Any]) -> list[str]:
    of = {WEIGHTS: "weights", INFLUENCE: "influence"}
    similarity = f"similarity, {FUNCTIONALS.get(str(row['functional']), '')}"
    kept = str(row["lasso"]).split()
    return [
        of.get(str(row["source"]), similarity),
        str(row["component"]),
        str(row["projection"]) or NO_KEYS,
        " ".join(kept[:8]) + (f" and {len(kept) - 8} more" if len(kept) > 8 else "") or NO_KEYS,
        percent(round(row["lasso_power"], 3)),
        percent(round(row["explained"], 3)),
    ]
