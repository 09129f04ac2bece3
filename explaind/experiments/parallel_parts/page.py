"""Pages of kind `parallel_parts`: what a part does to its translations."""

import numpy as np
import plotly.graph_objects as go

from explaind.experiments.language_influence.plots import language_map
from explaind.experiments.parallel_parts.tables import Finding, ParallelTables
from explaind.report.html import render
from explaind.report.page import About, Fact, Page, Panel, Plot
from explaind.report.plots.theme import DATA, label_axes, mark_zero, new_figure
from explaind.report.text import axis_title, measured, number, percent, signed

SIGNIFICANT = 0.05
PER = "per token and crop"
LISTED = 10
NUMBERS = ("same", "other", "excess")


def draw(tables: ParallelTables, about: About) -> Page:
    """Put the page together.

    Args:
        tables: all numbers.
        about: what the page is about.

    Returns:
        The page.
    """
    finding = tables.finding
    return Page(
        about,
        subtitle=f"{tables.pairs['explained'].nunique()} languages, {len(tables.parts)} parts",
        lead=(
            "Parts of the same number, articles of one document say, are translations of each "
            "other. Does a crop of a part in one language help the prediction of the same part in "
            f"another one more than crops of other parts do? {verdict(finding, tables.unit)}"
        ),
        facts=(
            Fact(
                "Same part less others",
                measured(signed(finding.excess, 2), tables.unit),
                f"{PER}, in other languages; 95 % interval over the parts"
                f" {signed(finding.low, 2)} to {signed(finding.high, 2)}",
            ),
            Fact(
                "By chance",
                f"p = {number(finding.p_value, 2)}",
                "random pairings of parts with a difference as large",
            ),
            Fact(
                "Within a language",
                measured(signed(finding.own, 2), tables.unit),
                "the same difference, where the crop itself is among those trained on",
            ),
        ),
        panels=(
            _map_panel(tables, about),
            _part_panel(tables, about),
            _pair_panel(tables, about),
        ),
    )


def verdict(finding: Finding, unit: str) -> str:
    """Say in one sentence what is found.

    Args:
        finding: what all pairs of languages say together.
        unit: unit of the influence.

    Returns:
        Yes or no where interval and permutation test agree, else that it is open.
    """
    numbers = (
        f"{measured(signed(finding.excess, 2), unit)} {PER}, {signed(finding.low, 2)} to"
        f" {signed(finding.high, 2)}; p = {number(finding.p_value, 2)} by permutation"
    )
    if finding.low > 0 and finding.p_value < SIGNIFICANT:
        share = percent(finding.excess / finding.own) if finding.own > 0 else "n/a"
        return f"Yes ({numbers}). The difference is {share} of that within a language."
    if finding.high < 0:
        return f"No: less ({numbers})."
    return f"No difference is found ({numbers})."


def _map_panel(tables: ParallelTables, about: About) -> Panel:
    others = tables.pairs[tables.pairs["explained"] != tables.pairs["trained"]]
    cells = others.pivot_table(index="explained", columns="trained", values="excess", sort=False)
    names = list(dict.fromkeys(tables.pairs["explained"]))
    cells = cells.reindex(index=names, columns=names)
    figure = language_map(
        cells.to_numpy(), names, axis_title("same less others", tables.unit), tables.unit
    )
    label_axes(figure, "crops in", "part in")
    return Panel(
        letter="a",
        title="Which languages share parts",
        caption=(
            "Influence of a crop in one language (columns) on the same part in another one (rows), "
            "less that on its other parts, per token: red where the same part is helped more."
        ),
        plots=(Plot("pairs", figure),),
        tables=(about.files["pairs"],),
    )


def _part_panel(tables: ParallelTables, about: About) -> Panel:
    figure = new_figure(340)
    figure.add_trace(
        go.Bar(
            x=[f"{part}" for part in tables.parts["part"]],
            y=tables.parts["excess"].to_numpy(dtype=np.float32),
            marker={"color": DATA},
            hovertemplate=f"article %{{x}}: {measured('%{y:+.3g}', tables.unit)}<extra></extra>",
        )
    )
    figure.update_layout(hovermode="closest")
    figure.update_xaxes(type="category")
    label_axes(figure, "part", axis_title("same less others", tables.unit, PER))
    mark_zero(figure)
    return Panel(
        letter="b",
        title="Which parts",
        caption=(
            "The same difference part by part, mean over all pairs of different languages; what a "
            "part and a crop do on average is taken out. The interval above is over these."
        ),
        plots=(Plot("parts", figure),),
        tables=(about.files["parts"],),
    )


def _pair_panel(tables: ParallelTables, about: About) -> Panel:
    others = tables.pairs[tables.pairs["explained"] != tables.pairs["trained"]]
    rows = [
        [row["trained"], row["explained"], *(signed(row[name], 2) for name in NUMBERS)]
        for row in others.nlargest(LISTED, "excess").to_dict("records")
    ]
    return Panel(
        letter="c",
        title="Pairs with the largest difference",
        extra=render(
            "columns.html",
            caption=f"Influence of a crop, {tables.unit} per token.",
            label="Pairs of languages",
            titles=["Trained on", "Explained", "Same part", "Other parts", "Difference"],
            rows=rows,
        ),
        tables=(about.files["pairs"],),
    )
