"""Pages of kind `epk_validation`: how far the path kernel can be trusted."""

from markupsafe import Markup

from explaind.experiments.epk_validation.tables import ValidationTables
from explaind.report.html import render
from explaind.report.page import About, Fact, Files, Page, Panel, Plot
from explaind.report.plots import agreement, steps
from explaind.report.statistics import completeness_rows, statistics_rows
from explaind.report.tables.steps import TERMS
from explaind.report.text import number, percent


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
        Fact(
            "Prediction agreement",
            percent(float(numbers["argmax_agreement"])),
            "of the network and its reformulation",
        ),
        Fact(
            "KL divergence",
            f"{number(float(numbers['kl_mean_per_sample']))} nat",
            "mean per sample",
        ),
        Fact(
            "Largest absolute error",
            f"{number(float(numbers['deviation_max']))} nat",
            "worst single output",
        ),
        Fact(
            "Checked",
            f"{numbers['samples'] * numbers['classes']:,}",
            f"outputs: {numbers['classes']:,} of each of {numbers['samples']:,} samples",
        ),
        Fact("Steps", f"{numbers['steps']:,}", "of training, all replayed"),
    )


def _number_panel(tables: ValidationTables, files: Files) -> Panel:
    return Panel(
        title="The numbers",
        caption=(
            "“True” is the trained network, “reformulated” the sum of initial output, training "
            "data and regularisation; errors are in nat, the unit of log-probabilities."
        ),
        extra=render("table.html", rows=statistics_rows(tables.statistics)),
        tables=(files["statistics"],),
    )


def _output_panel(tables: ValidationTables, files: Files) -> Panel:
    return Panel(
        title="Output by output",
        caption=(
            "Left: each point is one output of one validation sample (a random part if there are "
            "very many); on the thin line network and reformulation are equal. Right: how often "
            "which error occurs; it should be narrow and centred on 0."
        ),
        plots=(
            Plot("scatter", agreement.scatter_figure(tables.outputs), "Reformulated against true"),
            Plot("error", agreement.error_figure(tables.outputs), "Errors"),
        ),
        tables=(files["outputs"],),
    )


def _step_panel(tables: ValidationTables, files: Files) -> Panel:
    phases = tables.phases
    sizes = steps.magnitude_figure(tables.steps, TERMS, "nat", phases)
    residual = steps.cumulative_residual_figure(tables.decomposition, tables.unit, phases)
    return Panel(
        title="Step by step",
        caption=(
            "Left: mean size of the true change, of what training data and regularisation did and "
            "of the residual at each step, over all outputs of all validation samples. Right: the "
            f"signed residual of the explained output ({tables.output}) added up since step 0, "
            "averaged over samples; it should stay small against the change of the output."
        ),
        plots=(
            Plot("step-sizes", sizes, "Sizes per step"),
            Plot("cumulative-residual", residual, "Residual added up"),
        ),
        tables=(files["steps"], files["decomposition"]),
    )


def _completeness_panel(tables: ValidationTables, files: Files) -> Panel:
    table, unit = tables.completeness, tables.unit
    return Panel(
        title="Completeness",
        caption=(
            f"The residual of a sample is its final output ({tables.output}) minus initial output, "
            "training data and regularisation. It has two sources: the numerical integration over "
            "each step, and rounding: of the parameters when the network was trained, a motion "
            "that belongs to no sample and no regularisation, and of this computation. Left: how "
            "large both are beside the change of the output. Right: how much of all change the "
            "integration left unexplained, step by step."
        ),
        plots=(
            Plot("completeness", agreement.completeness_figure(table, unit), "Residual by sample"),
            Plot(
                "residual-share",
                agreement.residual_share_figure(table),
                "Relative residual by sample",
            ),
        ),
        extra=render("table.html", rows=completeness_rows(table, unit)),
        tables=(files["completeness"],),
    )
