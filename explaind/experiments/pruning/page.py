"""Pages of kind `pruning`: networks pruned by influence and by other scores."""

from itertools import product

from markupsafe import Markup

from explaind.experiments.pruning.plots import metric_figure, zeros_figure
from explaind.experiments.pruning.tables import METRICS, PruningTables
from explaind.experiments.pruning.text import answer, comparison_rows
from explaind.report.html import render
from explaind.report.page import About, Fact, Files, Page, Panel, Plot
from explaind.report.text import percent

HEADINGS = {
    "accuracy": "Accuracy",
    "agreement": "Prediction agreement with the unpruned network",
    "kl": "KL divergence",
}
SCOPES = {
    "global": ("Global pruning", "The parameters of all layers compete with each other."),
    "layer": ("Layer-wise pruning", "Each layer keeps the same fraction of its parameters."),
}
METHODS = Markup(
    "Mean over the random splits with 95 % intervals (Student's t) in both directions. "
    "<em>Influence</em>: sum over samples and outputs of |influence of the whole training|; "
    "<em>influence per step</em>: the same of every step, so that nothing cancels over time; "
    "<em>magnitude</em>: absolute value; <em>Taylor</em>: first-order change of the loss, as in "
    "SNIP. Dotted: the unpruned network."
)


def draw(tables: PruningTables, about: About) -> Page:
    """Put the page together.

    Args:
        tables: all numbers.
        about: what the page is about.

    Returns:
        The page.
    """
    cases = product(SCOPES, ("coarse", "fine"))
    return Page(
        about,
        lead=(
            "A parameter through which the training data moved the outputs a lot should matter; "
            "one through which they did not should be removable. Here the parameters of smallest "
            "score are set to zero, without any further training, and what is left is tested on "
            "validation samples that the score has not seen."
        ),
        facts=_facts(tables),
        panels=(
            _answer_panel(tables, about.files),
            *(_metric_panel(tables, about.files, scope, grid) for scope, grid in cases),
            _layer_panel(tables, about.files),
        ),
    )


def _facts(tables: PruningTables) -> tuple[Fact, ...]:
    seeds = len(tables.unpruned)
    detail = f"unpruned, mean over {seeds} random splits"
    return (
        Fact("Accuracy", percent(float(tables.unpruned["accuracy"].mean())), detail),
        Fact("Random splits", str(seeds), "of the validation samples, to score and to test"),
        Fact("Methods", str(tables.means["method"].nunique()), "each global and layer-wise"),
        Fact(
            "Smallest fraction kept",
            percent(float(tables.means["kept"].min())),
            "of all parameters, excluded layers included",
        ),
    )


def _answer_panel(tables: PruningTables, files: Files) -> Panel:
    return Panel(
        title="Is pruning by influence comparable to other methods?",
        caption=answer(tables.comparison, len(tables.unpruned)),
        extra=render("table.html", rows=comparison_rows(tables.comparison)),
        tables=(files["comparison"],),
    )


def _metric_panel(tables: PruningTables, files: Files, scope: str, grid: str) -> Panel:
    rows = tables.means[(tables.means["scope"] == scope) & (tables.means["grid"] == grid)]
    low, high = (percent(float(share)) for share in (rows["keep"].min(), rows["keep"].max()))
    title, meaning = SCOPES[scope]
    return Panel(
        title=f"{title}, {grid} grid",
        caption=Markup("{} Between {} and {} of the prunable parameters are kept. {}").format(
            meaning, low, high, METHODS
        ),
        plots=tuple(
            Plot(
                f"{scope}-{grid}-{metric}",
                metric_figure(rows, metric, float(tables.unpruned[metric].mean())),
                HEADINGS[metric],
            )
            for metric in METRICS
        ),
        tables=(files["means"],),
    )


def _layer_panel(tables: PruningTables, files: Files) -> Panel:
    layers = tables.layers[
        (tables.layers["scope"] == "global") & (tables.layers["grid"] == "coarse")
    ]
    return Panel(
        title="Where are the zeros?",
        caption=(
            "Fraction of zeros in each parameter tensor, global pruning, coarse grid; mean over "
            "the random splits with 95 % intervals. A line far above the others is a layer that "
            "the score ranks least important."
        ),
        plots=tuple(
            Plot(f"zeros-{k}", zeros_figure(rows), str(method).capitalize())
            for k, (method, rows) in enumerate(layers.groupby("method", sort=False))
        ),
        tables=(files["layers"],),
    )
