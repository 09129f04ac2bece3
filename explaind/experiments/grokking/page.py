"""Pages of kind `grokking`: how a run learned modular addition, told by the experiments on it."""

import math

from markupsafe import Markup

from explaind.experiments.grokking.phases import (
    ALIGNMENT,
    DONE,
    FORMATION,
    MEMORISATION,
    START,
    WHOLE,
)
from explaind.experiments.grokking.tables import GrokkingTables
from explaind.experiments.grokking.timeline import COLOURS, timeline
from explaind.report.claims import claims_fact, claims_panel
from explaind.report.html import render
from explaind.report.page import About, Fact, Page, Panel
from explaind.report.panels import cancellation_panel, equation, learning_panel
from explaind.report.statistics import learning_facts
from explaind.report.tables.cancellation import ALL, OTHER, SAME
from explaind.report.text import PAPER, measured, percent, signed, step

SUMS = {SAME: "same sum", OTHER: "other sums", ALL: "all training pairs"}
"""What groups of training samples are called: two classes are the same if their sums are."""

MEANINGS = {
    WHOLE: "phases are not told apart: the network did not memorise first",
    START: "regularisation does more than the data: the random weights shrink",
    MEMORISATION: "the training pairs are learned one by one; new pairs are answered by chance",
    FORMATION: "all training pairs are known; components that compute the sum take shape",
    ALIGNMENT: "what lies between the outer layers is ready; the outer layers adjust to it",
    DONE: "new pairs are answered as well; regularisation and data balance",
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
        subtitle=f"addition modulo {tables.p}",
        lead=_lead(tables),
        extra=equation(tables.explained, SUMS),
        facts=_facts(tables),
        panels=(
            _phase_panel(tables, about),
            _verdict_panel(tables, about),
            learning_panel(tables.story.metrics, about.files["curves"], "c"),
            cancellation_panel(tables.explained, about, SUMS, "d"),
        ),
        alone=True,
    )


def _lead(tables: GrokkingTables) -> Markup:
    return Markup(
        "A small network is trained to answer <em>a + b</em> modulo <em>p</em>. Such a network "
        "first memorises the examples that it is trained on; often only much later, and suddenly, "
        "it answers new ones too. That delay is called <em>grokking</em>. The <strong>exact path "
        "kernel</strong> follows every training step and splits each output of the final network "
        "into what each training sample, each component and weight decay contributed. This page "
        "puts together what the experiments on the run found. The explained output is {}; averaged "
        "over all explained validation samples:"
    ).format(tables.explained.output)


def _facts(tables: GrokkingTables) -> tuple[Fact, ...]:
    completeness = tables.explained.completeness
    return (
        *learning_facts(tables.story.metrics),
        claims_fact(tables.verdicts),
        Fact(
            "Explained samples",
            f"{len(completeness):,}",
            f"of the validation data, by {tables.train_samples:,} training samples",
        ),
        Fact(
            "Prediction agreement",
            percent(float(tables.story.statistics["argmax_agreement"])),
            "of the network and its reformulation",
        ),
        Fact(
            "Residual",
            percent(float(completeness["residual_share"].median())),
            "of the total change, median sample",
        ),
    )


def _phase_panel(tables: GrokkingTables, about: About) -> Panel:
    return Panel(
        letter="a",
        title="The phases, and the evidence for each",
        caption=(
            "Phases are found from the data and are the bands of the plots, in the colours of the "
            "table below. Accuracy: dotted with the outer layers of the trained network in place "
            "of those of the step. Influence: sizes of the influences of all training samples, "
            "moving average over 25 steps. Then what the training data did through all parameters "
            "less what regularisation did, and how similar validation samples of the same result, "
            "with a number in common, and with neither are, by the parameters that moved their "
            "outputs. Look for what changes where the bands do."
        ),
        plots=timeline(tables.story, tables.phases, tables.explained.unit),
        extra=render(
            "columns.html",
            caption="What each experiment says of each phase:",
            label="Phases and evidence",
            titles=[
                "Phase",
                "Steps",
                "Begins with",
                "Accuracy at its end: training, validation",
                "Strongest components (share of Ψ)",
                "D(Θ), summed; + = data",
                "Cosine, same result less others",
                "Key frequencies of the weights",
                "Accuracy with final outer layers",
                "Retrained with its pipeline; with its outer layers",
            ],
            rows=_evidence_rows(tables),
        )
        + _missing(tables, about),
        tables=(about.files["phases"],),
    )


def _evidence_rows(tables: GrokkingTables) -> list[list[object]]:
    unit = tables.explained.unit
    return [
        [
            Markup(
                '<span class="swatch" style="background:{}"></span><strong>{}</strong><br>{}'
            ).format(COLOURS[str(row["phase"])], row["phase"], MEANINGS[str(row["phase"])]),
            f"{step(row['start'])} to {step(row['stop'] - 1)}",
            row["found_by"],
            f"{percent(row['train_accuracy'])}, {percent(row['validation_accuracy'])}",
            "not kept"
            if row["strongest"] is None
            else f"{row['strongest']} ({percent(row['share'])})",
            measured(signed(row["difference"]), unit),
            signed(row["same_sum"], 2),
            row["keys"] or "n/a",
            percent(row["swapped"]),
            _retrained(row["retrained_pipeline"], row["retrained_outer"]),
        ]
        for row in tables.evidence.to_dict("records")
    ]


def _retrained(pipeline: float, outer: float) -> str:
    """Say how many steps networks took that start with the pipeline, and with the rest."""
    if math.isnan(pipeline) and math.isnan(outer):
        return "not tried"
    return f"{_steps(pipeline)}; {_steps(outer)}"


def _steps(median: float) -> str:
    """Say how many steps a retraining took."""
    if math.isinf(median):
        return "more than trained"
    return "not tried" if math.isnan(median) else f"{step(int(median))} steps"


def _missing(tables: GrokkingTables, about: About) -> Markup:
    """Name the experiments that are left out."""
    story = tables.story
    found = {
        "influence_over_training": story.balance,
        "similarity": story.cosines,
        "spectrum": story.spectrum,
        "swap": story.swapped,
        "retrain": story.retrained,
    }
    absent = ", ".join(name for name, result in found.items() if result is None)
    if not absent:
        return Markup()
    message = Markup(
        "Left out of the story: {}. Name the experiments under <code>experiments.{}</code> in the "
        "configuration to have them in it (n/a above)."
    ).format(absent, about.name)
    return render("missing.html", message=message)


def _verdict_panel(tables: GrokkingTables, about: About) -> Panel:
    return claims_panel(
        tables.verdicts,
        tables.pages,
        about.files["verdicts"],
        title="What the paper claims, and what this run shows",
        caption=Markup(
            "Claims of {} about a network that groks. This is one network, of its own size, seed "
            "and number of steps: steps compare by their order, not by their number. <em>As "
            "published</em>: worked out as the paper's scripts do, with similarity and balance of "
            "the sum of all outputs, in which those of wrong classes weigh most; "
            "<em>corrected</em>: of the correct class alone. Where there are both, a claim is "
            "reproduced if both fulfil the rule, and partly if one does."
        ).format(PAPER),
        letter="b",
    )
