"""The page `results/index.html`: what was run, its numbers, every figure, the configuration."""

import json
from html import escape
from pathlib import Path

from explaind import __version__
from explaind.config import Config
from explaind.files import write_text
from explaind.paths import Paths
from explaind.report.page import PAGES, Fact, document, header_html, table_html
from explaind.report.statistics import statistics_rows
from explaind.report.tables.phases import find_phases
from explaind.report.tables.run import read_metrics, read_statistics
from explaind.report.text import percent, step


def write_report(config: Config, paths: Paths) -> None:
    """Write the page that shows the numbers of every drawn run and links every figure and table.

    Args:
        config: the resolved configuration.
        paths: where the project keeps its files.

    Raises:
        StoreError: if the metrics or validation numbers of a drawn run are missing.
    """
    runs = sorted({figure.run for figure in config.figures.values()})
    # A killed job leaves hidden files behind.
    tables = sorted(path.name for path in paths.table("", "").parent.glob("[!.]*"))
    sections = [_figure_section(config), *(_run_section(run, paths) for run in runs)]
    sections += [_config_section(config), _file_section(tables)]
    header = header_html(
        "explaind: results",
        f"explaind {__version__}",
        '<p class="lead">Which training samples, which components of the network and which '
        "training steps made the outputs of a trained network? The exact path kernel answers by "
        "following every step of the training; these pages show the answer and how far it can be "
        "trusted.</p>",
        [fact for run in runs for fact in _facts(run, paths)],
    )
    write_text(paths.index(), document("explaind: results", header, "\n".join(sections)))


def _facts(run: str, paths: Paths) -> list[Fact]:
    metrics = read_metrics(paths.metrics(run))
    phases, last = find_phases(metrics), metrics.iloc[-1]
    detail = f"run “{run}”"
    return [
        Fact("Training steps", step(int(last["step"])), detail),
        Fact("Memorised at step", step(phases.memorisation), detail),
        Fact("Generalised at step", step(phases.generalisation), detail),
        Fact("Final validation accuracy", percent(last["validation_accuracy"]), detail),
    ]


def _figure_section(config: Config) -> str:
    cards = "".join(
        f'<a class="card" href="figures/{name}.html">'
        f"<strong>{escape(PAGES[figure.kind].title)}</strong><br>"
        f"Run “{escape(figure.run)}”. {escape(PAGES[figure.kind].description)}</a>"
        for name, figure in config.figures.items()
    )
    return f'<section><h2>Figures</h2><div class="cards">{cards}</div></section>'


def _run_section(run: str, paths: Paths) -> str:
    rows = table_html(statistics_rows(read_statistics(paths.validation_summary(run))))
    links = _links([paths.metrics(run), paths.validation_summary(run)], paths)
    return f"""<section>
<h2>Run “{escape(run)}”: is the explanation faithful?</h2>
<p class="caption">The trained network against its reformulation by the path kernel, on the
validation data.</p>
{rows}
{links}
</section>"""


def _config_section(config: Config) -> str:
    text = json.dumps(config.model_dump(mode="json"), indent=2, sort_keys=True)
    return f"""<section>
<h2>Configuration</h2>
<p class="caption">Everything that was set, defaults filled in
(<a href="config.json">config.json</a>).</p>
<pre>{escape(text)}</pre>
</section>"""


def _file_section(tables: list[str]) -> str:
    items = "".join(
        f'<li><a href="figures/tables/{escape(name)}" download>{escape(name)}</a></li>'
        for name in tables
    )
    return f"""<section>
<h2>Tables behind the figures</h2>
<ul class="files">{items}</ul>
</section>"""


def _links(files: list[Path], paths: Paths) -> str:
    names = [file.relative_to(paths.results).as_posix() for file in files]
    links = ", ".join(f'<a href="{escape(name)}" download>{escape(name)}</a>' for name in names)
    return f'<p class="downloads">Files: {links}</p>'
