"""Pages of kind `roar`: how much worse an autoencoder gets without important pixels."""

from explaind.experiments.roar.tables import CONTROL, RoarTables
from explaind.report.html import render
from explaind.report.method_names import FEATURE_METHODS
from explaind.report.page import About, Page, Panel, Plot
from explaind.report.plots.theme import component_styles, label_axes, new_figure
from explaind.report.text import number, percent, signed


def draw(tables: RoarTables, about: About) -> Page:
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
            "If the pixels that a method calls most important are taken out of the training "
            "images, an autoencoder that is trained on what is left should reconstruct whole "
            "images worse than one that lost as many random pixels. Every image loses its own "
            "pixels, the original encoder decides which, and training starts from the same weights."
        ),
        panels=[_panel(tables, about)],
    )


def _panel(tables: RoarTables, about: About) -> Panel:
    figure, curves = new_figure(), tables.curves
    styles = component_styles([str(method) for method in curves["method"].unique()])
    for method, own in curves.groupby("method", sort=False):
        figure.add_scatter(
            x=100 * own["fraction"],
            y=own["mean"],
            mode="lines+markers",
            name=FEATURE_METHODS[str(method)],
            line=styles[str(method)],
            error_y={"array": own["margin"], "thickness": 1.2, "width": 4},
            hovertemplate="%{y:.4g}",
        )
    label_axes(figure, "pixels removed (%)", "mean squared error of a pixel, test images")
    rows = [
        (
            FEATURE_METHODS[row["method"]],
            percent(row["fraction"]),
            f"{number(row['mean'])} ± {number(row['margin'], 2)}",
            f"{signed(row['gain'])} ± {number(row['gain_margin'], 2)}",
        )
        for row in curves.to_dict("records")
        if row["method"] != CONTROL and row["fraction"] > 0
    ]
    return Panel(
        title="What the network cannot do without",
        caption=(
            "Error on whole test images of autoencoders trained without some pixels, mean over the "
            "trainings with 95 % intervals by Student's t. Higher than the random control = the "
            "method found pixels that matter."
        ),
        plots=[Plot("roar", figure)],
        extra=render(
            "columns.html",
            caption="Above the control, training by training:",
            label="Error after removal",
            titles=("Method", "Removed", "Error ± 95 %", "Above random ± 95 %"),
            rows=rows,
        ),
        tables=(about.files["curves"], about.files["losses"]),
    )
