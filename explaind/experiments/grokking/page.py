"""Pages of kind `grokking`: how a run learned modular addition, told by its path kernel."""

from markupsafe import Markup

from explaind.experiments.grokking import panels
from explaind.experiments.grokking.maps import class_panel, sample_panel
from explaind.experiments.grokking.tables import GrokkingTables
from explaind.report.html import render
from explaind.report.page import About, Fact, Page
from explaind.report.plots.theme import DATA, DECAY, MUTED, RESIDUAL, TRUE
from explaind.report.statistics import learning_facts
from explaind.report.text import percent, signed

TERMS = {
    "initial": ("initial output", "of the untrained network", MUTED),
    "data": ("training data", "what the training samples did", DATA),
    "decay": ("regularisation", "what weight decay did", DECAY),
    "residual": ("residual", "left over by integration and rounding", RESIDUAL),
    "final": ("final output", "of the trained network", TRUE),
}


def draw(tables: GrokkingTables, about: About) -> Page:
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
        lead=_lead(tables),
        extra=_equation(tables),
        facts=_facts(tables),
        panels=(
            panels.learning_panel(tables, about.files),
            panels.norm_panel(tables, about.files),
            panels.component_panel(tables, about),
            panels.decomposition_panel(tables, about.files),
            class_panel(tables, about),
            sample_panel(tables, about.files),
            panels.agreement_panel(tables, about.files),
            panels.residual_panel(tables, about.files),
        ),
    )


def _lead(tables: GrokkingTables) -> Markup:
    return Markup(
        "A small network is trained to answer <em>a + b</em> modulo <em>p</em>. Such a network "
        "first memorises the examples that it is trained on; often only much later, and suddenly, "
        "it answers new ones too. That delay is called <em>grokking</em>. The <strong>exact path "
        "kernel</strong> follows every training step and splits each output of the final network "
        "into what each training sample, each component and weight decay contributed. The "
        "explained output is {output}; averaged over all explained validation samples, in {unit}:"
    ).format(output=tables.output, unit=tables.unit)


def _equation(tables: GrokkingTables) -> Markup:
    means = tables.completeness.mean()
    terms = [
        {"name": name, "meaning": meaning, "colour": colour, "value": signed(means[term])}
        for term, (name, meaning, colour) in TERMS.items()
    ]
    return render("equation.html", terms=terms)


def _facts(tables: GrokkingTables) -> tuple[Fact, ...]:
    return (
        *learning_facts(tables.metrics),
        Fact(
            "Explained samples",
            f"{len(tables.completeness):,}",
            f"of the validation data, by {tables.train_samples:,} training samples",
        ),
        Fact(
            "Prediction agreement",
            percent(float(tables.statistics["argmax_agreement"])),
            "of the network and its reformulation",
        ),
        Fact(
            "Residual",
            percent(float(tables.completeness["residual_share"].median())),
            "of the total change, median sample",
        ),
    )
