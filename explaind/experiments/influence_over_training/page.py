"""Pages of kind `influence_over_training`: every component, step by step, and the balance."""

import pandas as pd
from markupsafe import Markup

from explaind.experiments.influence_over_training.plots import (
    difference_figure,
    functional_choice,
    quantity_choice,
    ratio_figure,
    smoothing_choice,
    steps_figure,
)
from explaind.experiments.influence_over_training.tables import DATA, DECAY, OverTrainingTables
from explaind.report.choices import controls, shown_for
from explaind.report.html import not_kept, render
from explaind.report.page import About, Fact, Page, Panel, Plot
from explaind.report.tables.classes import ALL_COMPONENTS
from explaind.report.tables.steps import KEPT_AS
from explaind.report.text import step

MEASURE_NAMES = {"difference": "D(Θ)", "ratio": "ratio"}


def draw(tables: OverTrainingTables, about: About) -> Page:
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
            "In every training step two forces move the parameters: the training data, whose "
            "gradients are followed, and regularisation, which shrinks what the data do not ask "
            "for. The path kernel says what each did to the outputs through every component of "
            "the network. Where one of them overtakes the other, a phase of the training ends."
        ),
        facts=_facts(tables),
        panels=(_steps_panel(tables, about), _balance_panel(tables, about)),
    )


def _facts(tables: OverTrainingTables) -> tuple[Fact, ...]:
    first = functional_choice().first
    found = tables.crossings[
        (tables.crossings["functional"] == first)
        & (tables.crossings["component"] == ALL_COMPONENTS)
        & (tables.crossings["measure"] == "difference")
    ]
    overtaken = [
        Fact(f"Larger from step {step(int(at))}", str(larger).capitalize(), "by D(Θ)")
        for at, larger in zip(found["step"], found["larger"], strict=True)
    ]
    return (
        Fact("Training steps", step(tables.last_step), "updates of the parameters"),
        Fact("Memorised at step", step(tables.phases.memorisation), "from accuracy"),
        Fact("Generalised at step", step(tables.phases.generalisation), "from accuracy"),
        *overtaken,
    )


def _steps_panel(tables: OverTrainingTables, about: About) -> Panel:
    title = "Through which components, and when?"
    quantities = quantity_choice(tables.steps)
    absent = [
        array
        for array, column in zip(KEPT_AS.values(), ("absolute", "data"), strict=True)
        if column not in quantities.options
    ]
    missing = not_kept(about.run, *absent) if absent else Markup()
    if not quantities.options:
        return Panel(title, letter="a", extra=missing)
    choices = (quantities, smoothing_choice(tables.smoothing))
    return Panel(
        letter="a",
        title=title,
        caption=(
            f"What was done to {tables.output} through each component in every step, mean over "
            f"{tables.samples} explained validation samples; positive = raised it. An influence is "
            "booked at its gradient step, or at the application step, in which momentum moved the "
            "parameters: there single training samples are not told apart, and the size is that of "
            "their sum. Look for components that act early and those that act late. Very large "
            "values may lie outside: double-click to see all."
        ),
        controls=controls(*choices),
        plots=(Plot("steps", steps_figure(tables, choices)),),
        extra=missing,
        tables=(about.files["steps"],),
    )


def _balance_panel(tables: OverTrainingTables, about: About) -> Panel:
    choice = functional_choice()
    contents = [
        (
            {choice.name: functional},
            _crossing_table(tables.crossings[tables.crossings["functional"] == functional]),
        )
        for functional in choice.options
    ]
    return Panel(
        letter="b",
        title="Training data against regularisation",
        caption=Markup(
            "Both parts, added up over the steps of an interval. Left: the size of what the "
            "training data did through a component over the size of what regularisation did; 1 = "
            "equal. Right: the balance <em>D(Θ)</em> of the paper: the sizes of what the data did "
            "through every single parameter of the component, added up, less the same of "
            "regularisation, so that nothing cancels between parameters; mean over the samples. "
            "Positive = the data push more than regularisation. Look for where the lines come back "
            "to equal: learning has ended there."
        ),
        controls=controls(choice),
        plots=(
            Plot("ratio", ratio_figure(tables, choice), "Ratio"),
            Plot("difference", difference_figure(tables, choice), "Parameter-wise difference D(Θ)"),
        ),
        extra=shown_for(contents, choice),
        tables=(about.files["balance"], about.files["crossings"]),
    )


def _crossing_table(found: pd.DataFrame) -> Markup:
    """List from which steps on which part is the larger one, by component."""
    titles = ["Component"] + [
        f"{larger} larger from, by {name}"
        for name in MEASURE_NAMES.values()
        for larger in (DATA, DECAY)
    ]
    rows = []
    for component, own in found.groupby("component", sort=False):
        cells = []
        for measure in MEASURE_NAMES:
            for larger in (DATA, DECAY):
                chosen = own[(own["measure"] == measure) & (own["larger"] == larger)]
                cells.append(", ".join(step(int(number)) for number in chosen["step"]) or "never")
        rows.append([str(component), *cells])
    return render(
        "columns.html",
        caption=(
            "Phase boundaries that the balance implies: steps from which another part is the "
            "larger one, for at least two intervals."
        ),
        label="Steps at which training data and regularisation overtake each other",
        titles=titles,
        rows=rows,
    )
