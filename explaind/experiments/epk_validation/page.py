"""Pages of kind `epk_validation`: how far the path kernel can be trusted."""

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from explaind.experiments.epk_validation.tables import ValidationTables
from explaind.report.html import render
from explaind.report.page import About, Fact, Files, Page, Panel, Plot
from explaind.report.panels import CLASSES, equation
from explaind.report.plots import agreement, steps
from explaind.report.statistics import (
    cancellation_rows,
    completeness_rows,
    has_classes,
    statistics_rows,
)
from explaind.report.tables.outputs import model_output_name
from explaind.report.tables.steps import TERMS
from explaind.report.text import measured, number, percent


def draw(tables: ValidationTables, about: About) -> Page:
    """Put the page together.

    Args:
        tables: all numbers.
        about: what the page is about.

    Returns:
        The page.
    """
    return Page(
        about,
        lead=Markup(
            "The path kernel rewrites the trained network as <em>initial output + what the "
            "training data did + what regularisation did</em>. In exact arithmetic and with exact "
            "integration over each step this equals the network; this page shows how close the "
            "computed version comes, for all outputs of all validation samples."
        ),
        facts=_facts(tables),
        panels=(
            _number_panel(tables, about.files),
            _output_panel(tables, about.files),
            _step_panel(tables, about.files),
            _completeness_panel(tables, about.files),
        ),
    )


def _facts(tables: ValidationTables) -> tuple[Fact, ...]:
    numbers = tables.statistics
    return (
        *(_of_classes(numbers) if has_classes(numbers) else _of_numbers(numbers)),
        Fact(
            "Largest absolute error",
            measured(number(float(numbers["absolute_error_max"])), tables.output_unit),
            "worst single output",
        ),
        Fact(
            "Checked",
            f"{numbers['samples'] * numbers['classes']:,}",
            f"outputs: {numbers['classes']:,} of each of {numbers['samples']:,} samples",
        ),
        Fact("Steps", f"{numbers['steps']:,}", "of training, all replayed"),
    )


def _of_classes(numbers: Mapping[str, Any]) -> tuple[Fact, ...]:
    return (
        Fact(
            "Prediction agreement",
            percent(float(numbers["argmax_agreement"])),
            "of the network and its reformulation",
        ),
        Fact(
            "KL divergence",
            f"{number(float(numbers['kl_mean_per_sample']))} nat",
            "mean per sample, after normalising",
        ),
    )


def _of_numbers(numbers: Mapping[str, Any]) -> tuple[Fact, ...]:
    error = percent(float(numbers["relative_error"]))
    return (Fact("Relative error", error, "of the standard deviation of the outputs"),)


def _number_panel(tables: ValidationTables, files: Files) -> Panel:
    of_classes = (
        f" Each output is a {model_output_name(tables.output_unit)}. Nothing makes the"
        " probabilities of reformulated outputs add up to 1: the KL divergence is taken after"
        " dividing them by their sum, which is shown below it."
        if has_classes(tables.statistics)
        else ""
    )
    return Panel(
        title="The numbers",
        caption=(
            "“True” is the trained network, “reformulated” the sum of initial output, training "
            f"data and regularisation.{of_classes}"
        ),
        extra=render("table.html", rows=statistics_rows(tables.statistics)),
        tables=(files["statistics"],),
    )


def _output_panel(tables: ValidationTables, files: Files) -> Panel:
    drawn = (tables.outputs, tables.output_unit)
    return Panel(
        title="Output by output",
        caption=(
            "Left: each point is one output of one validation sample (a random part if there are "
            "very many); on the thin line network and reformulation are equal. Right: how often "
            "which error occurs; it should be narrow and centred on 0."
        ),
        plots=(
            Plot("scatter", agreement.scatter_figure(*drawn), "Reformulated against true"),
            Plot("error", agreement.error_figure(*drawn), "Errors"),
        ),
        tables=(files["outputs"],),
    )


def _step_panel(tables: ValidationTables, files: Files) -> Panel:
    explained, table = tables.explained, tables.decomposition
    phases = explained.phases
    sizes = steps.magnitude_figure(tables.steps, TERMS, tables.output_unit, phases)
    residual = steps.residual_figure(table, explained.unit, phases)
    added_up = steps.cumulative_residual_figure(table, explained.unit, phases)
    return Panel(
        title="Step by step",
        caption=(
            "First: mean size of the true change, of what training data and regularisation did and "
            "of the residual at each step, over all outputs of all validation samples. Then, of "
            f"{explained.output} of the explained samples: the size of the residual beside that of "
            "the true change (the further the grey line lies below, the better), the signed "
            "residual added up since step 0, which should stay small against the change of the "
            "output, and into how many subintervals a step was cut to integrate it."
        ),
        plots=(
            Plot("step-sizes", sizes, "Sizes per step, all outputs"),
            Plot("residual", residual, "Residual per step, explained output"),
            Plot("cumulative-residual", added_up, "Residual added up"),
            Plot("subintervals", steps.subinterval_figure(table, phases), "Subintervals"),
        ),
        tables=(files["steps"], files["decomposition"]),
    )


def _completeness_panel(tables: ValidationTables, files: Files) -> Panel:
    explained = tables.explained
    table, unit = explained.completeness, explained.unit
    rows = completeness_rows(table, unit)
    if not explained.cancellation.empty:
        rows += cancellation_rows(explained.cancellation, CLASSES, unit)
    return Panel(
        title="Completeness",
        caption=(
            f"The residual of a sample is its final output ({explained.output}) minus initial "
            "output, training data and regularisation. It has two sources: the numerical "
            "integration over each step, and rounding: of the parameters when the network was "
            "trained, a motion that belongs to no sample and no regularisation, and of this "
            "computation. Left: how large both are beside the change of the output. Right: how "
            "much of all change the integration left unexplained, step by step. The equation has "
            "the means over the explained samples; what the training data did is what is left of "
            "much larger influences of single samples that cancel."
        ),
        plots=(
            Plot("completeness", agreement.completeness_figure(table, unit), "Residual by sample"),
            Plot(
                "residual-share",
                agreement.residual_share_figure(table),
                "Relative residual by sample",
            ),
        ),
        extra=equation(explained) + render("table.html", rows=rows),
        tables=(files["completeness"], files["cancellation"]),
    )
