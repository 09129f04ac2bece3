"""The panels of the grokking page: plots, captions and controls."""

from collections.abc import Sequence

from markupsafe import Markup

from explaind.experiments.grokking.tables import GrokkingTables
from explaind.report.html import not_kept, render
from explaind.report.page import About, Files, Panel, Plot
from explaind.report.plots import curves, steps
from explaind.report.plots.agreement import scatter_figure
from explaind.report.statistics import completeness_rows, statistics_rows
from explaind.report.tables.phases import HELD, has_accuracy
from explaind.report.text import step

OUTSIDE = "Very large values, as in the first steps, may lie outside: double-click to see all."


def learning_panel(tables: GrokkingTables, files: Files) -> Panel:
    """Return loss and, where it was measured, accuracy of both splits."""
    phases = tables.phases
    caption = Markup(
        "Mean loss and accuracy after every training step. <em>Memorised</em> ({}) and "
        "<em>generalised</em> ({}) are the first steps from which training and validation accuracy "
        "stay at {}; validation data are never trained on."
    ).format(step(phases.memorisation), step(phases.generalisation), HELD)
    with_accuracy = has_accuracy(tables.metrics)
    return Panel(
        letter="a",
        title="Loss and accuracy" if with_accuracy else "Loss",
        caption=caption if with_accuracy else "Mean loss after every training step.",
        plots=curves.learning_plots(tables.metrics),
        tables=(files["curves"],),
    )


def norm_panel(tables: GrokkingTables, files: Files) -> Panel:
    """Return the norm of the parameters, in total and per component."""
    return Panel(
        letter="b",
        title="Parameter norm",
        caption=(
            "Euclidean length of the vector of all parameters (left) and of each component's "
            "parameters (right). Training pushes it up and weight decay pulls it down; where it "
            "falls while the loss stays low, the network is replacing a large solution by a "
            "smaller one."
        ),
        plots=curves.norm_plots(tables.metrics),
        tables=(files["curves"],),
    )


def component_panel(tables: GrokkingTables, about: About) -> Panel:
    """Return the influence of the training data per component and step."""
    title = "Through which components did the training data act, and when?"
    if tables.components.empty:
        missing = not_kept(about.run, "step_component", "absolute")
        return Panel(title, letter="c", extra=missing)
    drawn = (tables.components, tables.smoothing, tables.unit, tables.phases)
    plots = (
        Plot("influence-absolute", steps.absolute_influence_figure(*drawn), "Total activity Ψ"),
        Plot("influence-net", steps.net_influence_figure(*drawn), "Net effect"),
    )
    return Panel(
        letter="c",
        title=title,
        caption=(
            f"Influence of the training data on {tables.output}, per step and component, averaged "
            "over the explained validation samples. Left: Ψ, the sizes of all training samples' "
            "influences added up, whatever their sign; right: the same with sign, so that opposite "
            f"influences cancel (positive = pushed the output up). {OUTSIDE}"
        ),
        controls=_smoothing_control(plots, tables.smoothing),
        plots=plots,
        tables=(about.files["components"],),
    )


def decomposition_panel(tables: GrokkingTables, files: Files) -> Panel:
    """Return what training data and regularisation did at each step."""
    table, unit, phases = tables.decomposition, tables.unit, tables.phases
    by_step = steps.decomposition_figure(table, tables.smoothing, unit, phases)
    plots = (
        Plot("decomposition-step", by_step, "Per step"),
        Plot(
            "decomposition-cumulative",
            steps.cumulative_figure(table, unit, phases),
            "Added up since step 0",
        ),
    )
    return Panel(
        letter="d",
        title="Training data against regularisation",
        caption=(
            f"Change of {tables.output} per step (left) and added up since step 0 (right), split "
            "into what the training data did and what weight decay did; averaged over the "
            "explained validation samples, positive = raised the output. The dotted line is the "
            "change that really happened; on the right, training data, regularisation and residual "
            f"add up to it. {OUTSIDE}"
        ),
        controls=_smoothing_control(plots[:1], tables.smoothing),
        plots=plots,
        tables=(files["decomposition"],),
    )


def agreement_panel(tables: GrokkingTables, files: Files) -> Panel:
    """Return reformulated against true outputs, with the validation numbers."""
    return Panel(
        letter="f",
        title="Does the explanation reproduce the network?",
        caption=(
            "Every point is one output of one validation sample: the log-probability by the "
            "network (horizontal) and by its reformulation, initial output + training data + "
            "regularisation without the residual (vertical). On the thin line they are equal."
        ),
        plots=(Plot("agreement", scatter_figure(tables.outputs), "Reformulated against true"),),
        side=render("table.html", rows=statistics_rows(tables.statistics)),
        tables=(files["agreement"],),
    )


def residual_panel(tables: GrokkingTables, files: Files) -> Panel:
    """Return residual and quadrature subintervals per step."""
    table, unit, phases = tables.decomposition, tables.unit, tables.phases
    return Panel(
        letter="g",
        title="Residual per step",
        caption=(
            "Left: size of the residual of each step beside the size of the true change, mean of "
            "absolute values over the explained validation samples; the further the grey line "
            "lies below, the better. Right: into how many subintervals a step was cut to integrate "
            "it. Below: the residual of the whole training, and how much of it is rounding, of the "
            "parameters when the network was trained and of this computation."
        ),
        plots=(
            Plot("residual", steps.residual_figure(table, unit, phases), "Residual"),
            Plot("subintervals", steps.subinterval_figure(table, phases), "Subintervals"),
        ),
        extra=render("table.html", rows=completeness_rows(tables.completeness, unit)),
        tables=(files["decomposition"], files["completeness"]),
    )


def _smoothing_control(plots: Sequence[Plot], smoothing: int) -> Markup:
    if smoothing <= 1:
        return Markup()
    steps_averaged = 2 * (smoothing // 2) + 1
    names = [plot.id for plot in plots]
    return render("smoothing.html", plots=names, steps=steps_averaged)
