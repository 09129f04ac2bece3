"""Pages of kind `epk_validation`: how far the path kernel can be trusted."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd

from explaind.config import Config
from explaind.config.stages import pages_of_run
from explaind.paths import Paths
from explaind.report.page import Fact, Page, Panel, Plot, table_html, write_page, write_table
from explaind.report.plots import agreement, parts
from explaind.report.statistics import closure_rows, statistics_rows
from explaind.report.tables.agreement import closure_table, output_table, validation_step_table
from explaind.report.tables.outputs import output_name, output_unit
from explaind.report.tables.phases import Phases, find_phases
from explaind.report.tables.run import RunStores, open_run
from explaind.report.tables.steps import part_table
from explaind.report.text import number, percent

Files = Mapping[str, Path]


@dataclass(frozen=True)
class ValidationTables:
    """All numbers of the page.

    Attributes:
        phases: memorisation and generalisation steps.
        statistics: the numbers of `validation.json`.
        outputs: true and reformulated outputs, see `output_table`.
        steps: parts per step over all outputs, see `validation_step_table`.
        parts: parts per step of the explained output, see `part_table`.
        closure: parts of the final output per sample, see `closure_table`.
        output: plain name of the explained output.
        unit: its unit.
    """

    phases: Phases
    statistics: Mapping[str, Any]
    outputs: pd.DataFrame
    steps: pd.DataFrame
    parts: pd.DataFrame
    closure: pd.DataFrame
    output: str
    unit: str


def write_epk_validation(config: Config, paths: Paths, figure: str) -> None:
    """Read the stores of the run, write the tables of the page and the page.

    Args:
        config: the resolved configuration.
        paths: where the project keeps its files.
        figure: name of the figure.

    Raises:
        StoreError: if a store of the run is missing or incomplete.
    """
    run = config.figures[figure].run
    tables = _read_tables(open_run(paths, run))
    files = _write_tables(tables, paths, figure)
    page = epk_validation_page(figure, run, tables, files)
    write_page(replace(page, pages=pages_of_run(config, run)), paths.figure(figure))


def epk_validation_page(figure: str, run: str, tables: ValidationTables, files: Files) -> Page:
    """Put the page together.

    Args:
        figure: name of the figure.
        run: name of the run.
        tables: all numbers.
        files: the files that the tables were written to, by name.
    """
    return Page(
        name=figure,
        title="Validation of the path kernel",
        subtitle=f"Run “{run}”",
        lead=(
            '<p class="lead">The path kernel rewrites the trained network as <em>initial output '
            "+ data part + decay part</em>. In exact arithmetic and with exact integration over "
            "each step this equals the network; this page shows how close the computed version "
            "comes, for all outputs of all validation samples.</p>"
        ),
        facts=_facts(tables),
        panels=(
            _number_panel(tables, files),
            _output_panel(tables, files),
            _step_panel(tables, files),
            _closure_panel(tables, files),
        ),
    )


def _read_tables(stores: RunStores) -> ValidationTables:
    return ValidationTables(
        phases=find_phases(stores.metrics),
        statistics=stores.statistics,
        outputs=output_table(stores.validation),
        steps=validation_step_table(stores.validation),
        parts=part_table(stores.influence),
        closure=closure_table(stores.influence),
        output=output_name(stores.influence),
        unit=output_unit(stores.influence),
    )


def _write_tables(tables: ValidationTables, paths: Paths, figure: str) -> dict[str, Path]:
    numbers = pd.DataFrame(
        {"name": list(tables.statistics), "value": list(tables.statistics.values())}
    )
    content = {
        ("statistics", "csv"): numbers,
        ("outputs", "parquet"): tables.outputs,
        ("steps", "csv"): tables.steps,
        ("parts", "csv"): tables.parts,
        ("closure", "csv"): tables.closure,
    }
    return {
        panel: write_table(table, paths.table(figure, panel, suffix))
        for (panel, suffix), table in content.items()
    }


def _facts(tables: ValidationTables) -> tuple[Fact, ...]:
    numbers = tables.statistics
    return (
        Fact(
            "Same answer",
            percent(float(numbers["argmax_agreement"])),
            "network and its reformulation",
        ),
        Fact(
            "Divergence", f"{number(float(numbers['kl_mean_per_sample']))} nat", "mean per sample"
        ),
        Fact(
            "Largest deviation",
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
            "“True” is the trained network, “reformulated” the sum of initial output, data part "
            "and decay part; differences are in nat, the unit of log-probabilities."
        ),
        extra=table_html(statistics_rows(tables.statistics)),
        tables=(files["statistics"],),
    )


def _output_panel(tables: ValidationTables, files: Files) -> Panel:
    return Panel(
        title="Output by output",
        caption=(
            "Left: each point is one output of one validation sample (a random part if there are "
            "very many); on the thin line network and reformulation are equal. Right: how often "
            "which difference occurs; it should be narrow and centred on 0."
        ),
        plots=(
            Plot("scatter", agreement.scatter_figure(tables.outputs), "Reformulated against true"),
            Plot("deviation", agreement.deviation_figure(tables.outputs), "Deviations"),
        ),
        tables=(files["outputs"],),
    )


def _step_panel(tables: ValidationTables, files: Files) -> Panel:
    sizes = parts.magnitude_figure(
        tables.steps, ("true", "data", "decay", "residual"), "nat", tables.phases
    )
    return Panel(
        title="Step by step",
        caption=(
            "Left: mean size of the true change, its two parts and the residual at each step, "
            "over all outputs of all validation samples. Right: the signed residual of the "
            f"explained output ({escape(tables.output)}) added up since step 0, mean over "
            "samples; it should stay small against the change of the output."
        ),
        plots=(
            Plot("step-sizes", sizes, "Sizes per step"),
            Plot(
                "cumulative-residual",
                parts.cumulative_residual_figure(tables.parts, tables.unit, tables.phases),
                "Residual added up",
            ),
        ),
        tables=(files["steps"], files["parts"]),
    )


def _closure_panel(tables: ValidationTables, files: Files) -> Panel:
    return Panel(
        title="What is left unexplained?",
        caption=(
            "The residual of a sample is its final output "
            f"({escape(tables.output)}) less initial output, data part and decay part. It has two "
            "sources: the numerical integration over each step, and rounding: of the parameters "
            "when the network was trained, a motion that belongs to no sample and no decay, and "
            "of this computation. Left: how large both are beside the change of the output. "
            "Right: how much of all change the integration left unexplained, step by step."
        ),
        plots=(
            Plot(
                "closure", agreement.closure_figure(tables.closure, tables.unit), "Sizes by sample"
            ),
            Plot(
                "residual-share",
                agreement.residual_share_figure(tables.closure),
                "Residual share by sample",
            ),
        ),
        extra=table_html(closure_rows(tables.closure, tables.unit)),
        tables=(files["closure"],),
    )
