"""Pages of kind `grokking`: how a run learned modular addition, told by its path kernel."""

from collections.abc import Mapping
from dataclasses import replace
from html import escape
from pathlib import Path

from explaind.config import Config
from explaind.config.figures import GrokkingFigure
from explaind.config.modulo import ModuloDataset
from explaind.config.stages import pages_of_run
from explaind.experiments.grokking import panels as panel
from explaind.experiments.grokking.maps import class_panel, sample_panel
from explaind.experiments.grokking.tables import GrokkingTables, read_tables, write_tables
from explaind.paths import Paths
from explaind.report.page import Fact, Page, write_page
from explaind.report.plots.phase_marks import HELD
from explaind.report.plots.theme import DATA, DECAY, MUTED, RESIDUAL, TRUE
from explaind.report.tables.run import open_run
from explaind.report.text import percent, signed, step


def write_grokking(config: Config, paths: Paths, figure: str) -> None:
    """Read the stores of the run, write the tables of the page and the page.

    Args:
        config: the resolved configuration.
        paths: where the project keeps its files.
        figure: name of the figure.

    Raises:
        StoreError: if a store of the run is missing or incomplete.
    """
    options = config.figures[figure]
    assert isinstance(options, GrokkingFigure)  # the rules draw each figure by its kind
    data = config.datasets[config.runs[options.run].dataset]
    assert isinstance(data, ModuloDataset)  # checked with the config
    tables = read_tables(open_run(paths, options.run), data.p)
    files = write_tables(tables, paths, figure)
    page = grokking_page(figure, options.run, tables, files, options.smoothing)
    write_page(replace(page, pages=pages_of_run(config, options.run)), paths.figure(figure))


def grokking_page(
    figure: str, run: str, tables: GrokkingTables, files: Mapping[str, Path], smoothing: int
) -> Page:
    """Put the page together.

    Args:
        figure: name of the figure.
        run: name of the run.
        tables: all numbers.
        files: the files that the tables were written to, by name.
        smoothing: steps of the moving average.
    """
    return Page(
        name=figure,
        title="How a network learned to add",
        subtitle=f"Run “{run}”: addition modulo {tables.maps.sizes['training_class']}",
        lead=_lead(tables),
        facts=_facts(tables),
        panels=(
            panel.learning_panel(tables, files),
            panel.norm_panel(tables, files),
            panel.component_panel(run, tables, files, smoothing),
            panel.part_panel(tables, files, smoothing),
            class_panel(run, tables, files),
            sample_panel(tables, files),
            panel.agreement_panel(tables, files),
            panel.residual_panel(tables, files),
        ),
    )


def _lead(tables: GrokkingTables) -> str:
    return f"""<p class="lead">A small network is trained to answer <em>a + b</em> modulo
<em>p</em>. Such a network first memorises the examples that it is trained on; often only much
later, and suddenly, it answers new ones too. That delay is called <em>grokking</em>. The
<strong>exact path kernel</strong> follows every training step and splits each output of the final
network into what each training sample, each component and weight decay contributed. The explained
output is {escape(tables.output)}; the mean over all explained validation samples, in
{escape(tables.unit)}:</p>
<div class="equation">{_equation(tables)}</div>"""


def _equation(tables: GrokkingTables) -> str:
    means = tables.closure.mean()
    return (
        _term("initial output", "of the untrained network", means["initial"], MUTED)
        + _sign("+")
        + _term("data part", "what the training samples did", means["data"], DATA)
        + _sign("+")
        + _term("decay part", "what weight decay did", means["decay"], DECAY)
        + _sign("+")
        + _term("residual", "left over by integration and rounding", means["residual"], RESIDUAL)
        + _sign("=")
        + _term("final output", "of the trained network", means["final"], TRUE)
    )


def _term(name: str, meaning: str, value: float, colour: str) -> str:
    return f"""<div class="term" style="--colour:{colour}"><div class="value">{signed(value)}</div>
<div class="name">{name}</div><div class="what">{meaning}</div></div>"""


def _sign(sign: str) -> str:
    return f'<div class="sign">{sign}</div>'


def _facts(tables: GrokkingTables) -> tuple[Fact, ...]:
    last = tables.metrics.iloc[-1]
    return (
        Fact("Training steps", step(int(last["step"])), "updates of the parameters"),
        Fact(
            "Memorised at step",
            step(tables.phases.memorisation),
            f"training accuracy {HELD}",
        ),
        Fact(
            "Generalised at step",
            step(tables.phases.generalisation),
            f"validation accuracy {HELD}",
        ),
        Fact(
            "Final accuracy",
            percent(last["validation_accuracy"]),
            f"validation; training {percent(last['train_accuracy'])}",
        ),
        Fact(
            "Explained samples",
            f"{len(tables.closure):,}",
            f"of the validation data, by {tables.train_samples:,} training samples",
        ),
        Fact(
            "Same answer",
            percent(float(tables.statistics["argmax_agreement"])),
            "network and its reformulation",
        ),
        Fact(
            "Residual",
            percent(float(tables.closure["residual_share"].median())),
            "of the total change, median sample",
        ),
    )
