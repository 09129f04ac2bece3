"""Pages of kind `influence_matrices`: which training on which validation samples."""

from markupsafe import Markup

from explaind.experiments.influence_matrices.plots import matrix_data, matrix_figure, range_labels
from explaind.experiments.influence_matrices.tables import ORDERS, MatrixTables
from explaind.report.html import not_kept, render
from explaind.report.page import About, Fact, Page, Panel, Plot
from explaind.report.panels import learning_panel
from explaind.report.plots import heatmap
from explaind.report.tables.classes import ALL_COMPONENTS
from explaind.report.text import measured, number, percent, signed, step, words

CLASS_NAME = "(a + b) mod p"
ORDER_NAMES = dict(
    zip(ORDERS, (CLASS_NAME, "a + b", "a, the first number", "b, the second number"), strict=True)
)
SIGN_NAMES = ("net: with sign", "gross: sizes added up")


def draw(tables: MatrixTables, about: About) -> Page:
    """Put the page together.

    Args:
        tables: all numbers.
        about: what the page is about.

    Returns:
        The page.
    """
    return Page(
        about,
        subtitle=f"addition modulo {tables.maps.sizes['training_class']}",
        lead=(
            "Every training pair has an influence on every explained validation pair: what it did "
            "to the output along the training. Patterns in these matrices show by what the "
            "network relates pairs: blocks and stripes appear in the order in which related pairs "
            "come to lie side by side, by their result, by their sum, or by one of their numbers."
        ),
        facts=_facts(tables),
        panels=(
            learning_panel(tables.metrics, about.files["curves"], "a"),
            _class_panel(tables, about),
            _matrix_panel(tables, about),
            _sum_panel(tables, about),
        ),
    )


def _facts(tables: MatrixTables) -> tuple[Fact, ...]:
    explained, trained = tables.sizes
    whole = tables.matrices.isel(range=0, component=0)
    net, gross = (float(abs(whole.sel(sign=sign)).mean()) for sign in ("net", "gross"))
    return (
        Fact("Explained samples", f"{explained:,}", "of the validation data: the rows"),
        Fact("Training samples", f"{trained:,}", "the columns"),
        Fact("Net", measured(number(net), tables.unit), "mean size of a cell, whole run"),
        Fact(
            "Gross",
            measured(number(gross), tables.unit),
            "the same, sizes of components and intervals added up",
        ),
    )


def _class_panel(tables: MatrixTables, about: About) -> Panel:
    """Return the influence by class, for a chosen component and training interval."""
    maps = heatmap.coarsen_intervals(tables.maps)
    whole = maps.isel(interval=0, component=0).to_numpy()
    saturated = heatmap.saturated_share(whole, heatmap.robust_limit(whole))
    controls = render(
        "class_maps.html",
        components=[str(name) for name in maps["component"].to_numpy()],
        intervals=maps.sizes["interval"],
        saturated=percent(saturated),
        data=heatmap.class_map_data(maps),
    )
    absent = [dim for dim in ("component", "interval") if maps.sizes[dim] == 1]
    return Panel(
        letter="b",
        title="Which results influence which results?",
        caption=Markup(
            "Mean influence of a training pair (column) on {} of a validation pair (row), both "
            "grouped by their result {}. Red = the training pair pushed the output up, blue = "
            "pushed it down, at the ends of the colour scale this much or more, and grey means "
            "that there is no such pair. Right: the map averaged along its diagonals; 0 is the "
            "same result, and a wave is a frequency that the network uses. A training interval, "
            "whose influence is credited to the {}, is shaded in the "
            '<a href="#loss">plots above</a>.'
        ).format(tables.output, CLASS_NAME, words(tables.credit)),
        controls=controls + Markup().join(not_kept(about.run, dim) for dim in absent),
        plots=(
            Plot(
                "class-map",
                heatmap.class_map_figure(maps, CLASS_NAME, tables.unit),
                "Training on validation pairs",
            ),
            Plot(
                "class-profile",
                heatmap.profile_figure(maps, tables.unit),
                "Averaged along the diagonals",
            ),
        ),
        tables=(about.files["class_maps"],),
    )


def _matrix_panel(tables: MatrixTables, about: About) -> Panel:
    """Return the influence by single samples, for a chosen component, steps and order."""
    single = tables.sums["step"].nunique()
    lists = (
        ("component", "Component", [str(name) for name in tables.matrices["component"].values]),
        ("range", "Steps", range_labels(tables.matrices, single, tables.step_credit)),
        ("order", "Sorted by", list(ORDER_NAMES.values())),
        ("sign", "Cells", SIGN_NAMES),
    )
    rows, columns = tables.matrices.sizes["test"], tables.matrices.sizes["train"]
    return Panel(
        letter="c",
        title="The same, sample by sample",
        caption=(
            f"Influence of single training samples (columns) on {tables.output} of single "
            f"validation samples (rows). Shown are the first {rows:,} of {tables.sizes[0]:,} "
            f"explained samples and the first {columns:,} of {tables.sizes[1]:,} training samples, "
            "which are in random order; the stores have all. Look for: a diagonal in the order "
            f"{CLASS_NAME}, pairs of the same result; stripes in the order of an input, pairs that "
            "share a number; and in which component and steps they come up. Net: red = pushed the "
            "output up, blue = down. Gross: the sizes of the parts that a cell is the sum of, by "
            "component and interval. Each matrix has a colour scale of its own, symmetric about 0, "
            f"whose ends are the {percent(heatmap.ROBUST_QUANTILE)} quantile of the sizes of its "
            "cells. Point at a cell for its two samples; drag to zoom."
        ),
        controls=render("sample_maps.html", lists=lists, data=matrix_data(tables)),
        plots=(Plot("sample-map", matrix_figure(tables)),),
        tables=(about.files["matrices"],),
    )


def _sum_panel(tables: MatrixTables, about: About) -> Panel:
    """Return the sums of the matrices of single steps."""
    wide = tables.sums.groupby("step")[["net", "gross", "data_part"]]
    totals = wide.sum(min_count=1).reset_index()
    rows = [
        [
            step(int(row.step)),
            *(measured(signed(row[name]), tables.unit) for name in ("net", "data_part")),
            measured(number(row["gross"]), tables.unit),
        ]
        for _, row in totals.iterrows()
    ]
    return Panel(
        letter="d",
        title="What the single steps add up to",
        caption=(
            f"Sums over all {tables.sizes[1]:,} training samples and {ALL_COMPONENTS}, mean over "
            "the explained samples. The net sum of a matrix must be what the explanation of the "
            f"whole run says that the data did in the step (credited to the "
            f"{words(tables.step_credit)}); each is computed on its own."
        ),
        extra=render(
            "columns.html",
            caption="",
            label="Sums of the matrices of single steps",
            titles=["Step", "Net sum", "Data part of the step", "Gross sum"],
            rows=rows,
        ),
        tables=(about.files["sums"],),
    )
