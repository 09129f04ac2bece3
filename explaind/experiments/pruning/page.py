"""Pages of kind `pruning`: networks pruned by influence and by other scores."""

from markupsafe import Markup

from explaind.experiments.pruning.plots import CASES, method_choice, metric_figure, zeros_figure
from explaind.experiments.pruning.tables import PruningTables
from explaind.experiments.pruning.text import answer, comparison_rows
from explaind.report.choices import controls
from explaind.report.html import render
from explaind.report.page import About, Fact, Files, Page, Panel, Plot
from explaind.report.text import percent

SCORES = Markup(
    "<em>Influence</em>: sum over samples and outputs of |influence of the whole training|; "
    "<em>influence per step</em>: the same of every step, so that nothing cancels over time; "
    "<em>magnitude</em>: absolute value; <em>Taylor</em>: first-order change of the loss, as in "
    "SNIP."
)


def draw(tables: PruningTables, about: About) -> Page:
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
            "A parameter through which the training data moved the outputs a lot should matter; "
            "one through which they did not should be removable. Here the parameters of smallest "
            "score are set to zero, without any further training, and what is left is tested on "
            "validation samples that the score has not seen."
        ),
        facts=_facts(tables),
        panels=(
            _answer_panel(tables, about.files),
            _metric_panel(tables, about.files),
            _layer_panel(tables, about.files),
        ),
    )


def _facts(tables: PruningTables) -> tuple[Fact, ...]:
    seeds = len(tables.unpruned)
    detail = f"unpruned, mean over {seeds} random splits"
    return (
        Fact("Accuracy", percent(float(tables.unpruned["accuracy"].mean())), detail),
        Fact("Random splits", str(seeds), "of the validation samples, to score and to test"),
        Fact("Test samples", _test_samples(tables), "in each split, not seen by the score"),
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


def _metric_panel(tables: PruningTables, files: Files) -> Panel:
    tests = int(tables.means["tests"].max())
    return Panel(
        title="What is left of the network?",
        caption=Markup(
            "Mean over the random splits, n = {} tests (each of {} test samples in {} splits; a "
            "sample may be tested in several). Bands: of accuracy and agreement the 95 % interval "
            "of a fraction of n tests (Wilson), of the KL divergence the range over the splits. {}"
        ).format(tests, _test_samples(tables), len(tables.unpruned), SCORES),
        controls=controls(*CASES),
        plots=(Plot("metrics", metric_figure(tables.means, tables.unpruned)),),
        tables=(files["means"],),
    )


def _layer_panel(tables: PruningTables, files: Files) -> Panel:
    layers = tables.layers[
        (tables.layers["scope"] == "global") & (tables.layers["grid"] == "coarse")
    ]
    return Panel(
        title="Where are the zeros?",
        caption=(
            "Fraction of zeros in each parameter tensor, global pruning, coarse grid; mean and "
            "range over the random splits. A line far above the others is a layer that the score "
            "ranks least important."
        ),
        controls=controls(method_choice(layers)),
        plots=(Plot("zeros", zeros_figure(layers)),),
        tables=(files["layers"],),
    )


def _test_samples(tables: PruningTables) -> str:
    return str(int(tables.unpruned["tested"].iloc[0]))
