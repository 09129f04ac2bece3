"""Pages of kind `grokking`: how a run learned modular addition, told by its path kernel."""

from markupsafe import Markup

from explaind.experiments.grokking.tables import GrokkingTables
from explaind.report.page import About, Fact, Page
from explaind.report.panels import cancellation_panel, equation, learning_panel
from explaind.report.statistics import learning_facts
from explaind.report.tables.cancellation import ALL, OTHER, SAME
from explaind.report.text import percent

SUMS = {SAME: "same sum", OTHER: "other sums", ALL: "all training pairs"}
"""What groups of training samples are called: two classes are the same if their sums are."""


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
        subtitle=f"addition modulo {tables.p}",
        lead=_lead(tables),
        extra=equation(tables.explained, SUMS),
        facts=_facts(tables),
        panels=(
            learning_panel(tables.metrics, about.files["curves"], "a"),
            cancellation_panel(tables.explained, about, SUMS, "b"),
        ),
    )


def _lead(tables: GrokkingTables) -> Markup:
    return Markup(
        "A small network is trained to answer <em>a + b</em> modulo <em>p</em>. Such a network "
        "first memorises the examples that it is trained on; often only much later, and suddenly, "
        "it answers new ones too. That delay is called <em>grokking</em>. The <strong>exact path "
        "kernel</strong> follows every training step and splits each output of the final network "
        "into what each training sample, each component and weight decay contributed. The "
        "explained output is {}; averaged over all explained validation samples:"
    ).format(tables.explained.output)


def _facts(tables: GrokkingTables) -> tuple[Fact, ...]:
    completeness = tables.explained.completeness
    return (
        *learning_facts(tables.metrics),
        Fact(
            "Explained samples",
            f"{len(completeness):,}",
            f"of the validation data, by {tables.train_samples:,} training samples",
        ),
        Fact(
            "Prediction agreement",
            percent(float(tables.statistics["argmax_agreement"])),
            "of the network and its reformulation",
        ),
        Fact(
            "Residual",
            percent(float(completeness["residual_share"].median())),
            "of the total change, median sample",
        ),
    )
