"""The panels of a page on a training that no other page has."""

from collections.abc import Sequence

from markupsafe import Markup

from explaind.experiments.training.tables import TrainingTables
from explaind.report.html import not_kept, render
from explaind.report.page import About, Files, Panel, Plot
from explaind.report.plots import curves, steps
from explaind.report.tables.steps import KEPT_AS

OUTSIDE = "Very large values, as in the first steps, may lie outside: double-click to see all."
COMPONENT_PLOTS = {
    "gradient_step": {"absolute": "Total activity Ψ", "net": "Net influence"},
    "application_step": {"data": "Training data", "decay": "Regularisation"},
}
COMPONENT_CAPTIONS = {
    "gradient_step": (
        "Left: Ψ, the sizes of all training samples' influences added up, whatever their sign; "
        "right: the same with sign, so that opposite influences cancel (positive = pushed the "
        "output up). Both are credited to the step at which the gradients were computed, though "
        "momentum applies them over the next steps."
    ),
    "application_step": (
        "What the training data (left) and regularisation (right) did, positive = raised the "
        "output, credited to the step at which momentum moved the parameters."
    ),
}


def decomposition_panel(tables: TrainingTables, files: Files) -> Panel:
    """Return what training data and regularisation did at each step."""
    explained, table = tables.explained, tables.decomposition
    unit, phases = explained.unit, explained.phases
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
        title="Training data against regularisation",
        caption=(
            f"Change of {explained.output} per step (left) and added up since step 0 (right), "
            "split into what the training data did and what weight decay did; averaged over the "
            "explained validation samples, positive = raised the output. The dotted line is the "
            "change that really happened. All parts are those of the step at which the parameters "
            "moved (application step), whose change they add up to with the residual. "
            f"{OUTSIDE}"
        ),
        controls=_smoothing_control(plots[:1], tables.smoothing),
        plots=plots,
        tables=(files["decomposition"],),
    )


def component_panel(tables: TrainingTables, about: About) -> Panel:
    """Return what acted through each component at each step."""
    title, explained = "Through which components, and when?", tables.explained
    if tables.components.empty:
        return Panel(title, extra=not_kept(about.run, KEPT_AS[explained.credit]))
    drawn = (tables.smoothing, explained.unit, explained.phases)
    plots = [
        Plot(f"component-{column}", steps.component_figure(tables.components, column, *drawn), name)
        for column, name in COMPONENT_PLOTS[explained.credit].items()
    ]
    return Panel(
        title=title,
        caption=(
            f"What was done to {explained.output} through each component per step, averaged over "
            f"the explained validation samples. {COMPONENT_CAPTIONS[explained.credit]} {OUTSIDE}"
        ),
        controls=_smoothing_control(plots, tables.smoothing),
        plots=plots,
        tables=(about.files["components"],),
    )


def norm_panel(tables: TrainingTables, files: Files) -> Panel:
    """Return the norm of the parameters, in total and per component."""
    return Panel(
        title="Parameter norms",
        caption=(
            "Euclidean length of the vector of all parameters (left) and of each component's "
            "parameters (right). Training pushes it up and weight decay pulls it down; where it "
            "falls while the loss stays low, the network is replacing a large solution by a "
            "smaller one."
        ),
        plots=curves.norm_plots(tables.metrics),
        tables=(files["metrics"],),
    )


def schedule_panel(tables: TrainingTables, files: Files) -> Panel:
    """Return what the optimizer was set to."""
    return Panel(
        title="Optimizer settings",
        caption=(
            "Learning rate and weight decay coefficient as the optimizer used them at each step; "
            "constant lines mean that there was no schedule."
        ),
        plots=curves.schedule_plots(tables.metrics),
        tables=(files["metrics"],),
    )


def _smoothing_control(plots: Sequence[Plot], smoothing: int) -> Markup:
    if smoothing <= 1:
        return Markup()
    steps_averaged = 2 * (smoothing // 2) + 1
    names = [plot.id for plot in plots]
    return render("smoothing.html", plots=names, steps=steps_averaged)
