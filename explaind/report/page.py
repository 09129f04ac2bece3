"""A page: a header, panels with captions and plots, links to the tables behind them.

Pages load one shared `plotly.min.js` beside them and nothing else, so they open offline from a
folder. The same input gives the same bytes: identifiers of plots are fixed and no date is printed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

import pandas as pd
import plotly.graph_objects as go
from plotly.io import to_html
from plotly.offline import get_plotlyjs

from explaind import __version__
from explaind.files import replacing, write_text
from explaind.paths import Paths
from explaind.report.assets import SCRIPT, STYLE

PLOT_CONFIG = {
    "responsive": True,
    "displaylogo": False,
    # nothing leaves the reader's computer: no button that uploads a chart
    "modeBarButtonsToRemove": ["sendChartToCloud", "lasso2d", "select2d", "autoScale2d"],
}


@dataclass(frozen=True)
class Entry:
    """How a page is named and described where it is linked."""

    title: str
    description: str


PAGES = {  # by kind
    "grokking": Entry(
        "How the network learned",
        "From memorising to understanding: influence of training data, components and weight "
        "decay over training, and which examples helped which.",
    ),
    "training": Entry(
        "Training curves",
        "Loss, accuracy, parameter norms and optimizer settings after every step.",
    ),
    "epk_validation": Entry(
        "Validation of the path kernel",
        "How closely the explanation reproduces the network, output by output and step by step.",
    ),
    "sanity": Entry(
        "Sanity of influence",
        "Does influence find wrong labels, and does removing training samples do what it says?",
    ),
    "examples": Entry(
        "Which training images mattered?",
        "Single validation images beside the training images that helped and harmed them most, in "
        "total and through each layer.",
    ),
    "pruning": Entry(
        "Pruning by influence",
        "Parameters through which the training data did little are removed: what is left, against "
        "other ways to choose them.",
    ),
}


@dataclass(frozen=True)
class Fact:
    """One key number of the header: `label`, formatted `value`, and a `detail` in plain words."""

    label: str
    value: str
    detail: str = ""


@dataclass(frozen=True)
class Plot:
    """One plot: its fixed `id` on the page, the figure, and an optional `heading` above it."""

    id: str
    figure: go.Figure
    heading: str = ""


@dataclass(frozen=True)
class Panel:
    """One section of a page.

    Attributes:
        title: the heading, plain text.
        caption: one or two sentences, HTML: what is shown, unit, sign, how to read it.
        plots: plots side by side where the window is wide enough.
        tables: files with the numbers, linked below.
        letter: mark before the title, may be empty.
        controls: HTML of the controls above the plots.
        side: HTML beside the plots.
        extra: HTML below the plots.
    """

    title: str
    caption: str = ""
    plots: Sequence[Plot] = ()
    tables: Sequence[Path] = ()
    letter: str = ""
    controls: str = ""
    side: str = ""
    extra: str = ""


@dataclass(frozen=True)
class Page:
    """A whole page.

    Attributes:
        name: file name without its ending.
        title: the heading, plain text.
        subtitle: below it.
        lead: introduction, HTML.
        panels: the sections.
        facts: key numbers.
        pages: the pages of the same run, kind by name, to link to.
    """

    name: str
    title: str
    subtitle: str
    lead: str
    panels: Sequence[Panel]
    facts: Sequence[Fact] = field(default_factory=tuple)
    pages: Mapping[str, str] = field(default_factory=dict)


def write_page(page: Page, path: Path) -> None:
    """Write a page beside the shared plotly script, atomically."""
    write_text(path, page_html(page))


def page_html(page: Page) -> str:
    """Return a page of `results/figures` as one HTML document."""
    sections = "\n".join(panel_html(panel) for panel in page.panels)
    links = navigation(page.name, page.pages)
    header = header_html(page.title, page.subtitle, page.lead, page.facts, links)
    return document(page.title, header, sections, plotly_js="plotly.min.js")


def document(title: str, header: str, sections: str, plotly_js: str = "") -> str:
    """Return an HTML document from its parts; without `plotly_js` it has no script."""
    loads = f'<script src="{plotly_js}"></script>' if plotly_js else ""
    script = f"<script>{SCRIPT}</script>" if plotly_js else ""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<meta '
        'name="viewport" content="width=device-width, '
        f'initial-scale=1">\n<title>{escape(title)}</title>\n<link rel="icon" '
        f'href="data:,">\n<style>{STYLE}</style>\n{loads}\n</head>\n<body>\n<header><div '
        f'class="wrap">\n{header}\n</div></header>\n<div '
        f'class="wrap">\n<main>\n{sections}\n</main>\n<footer>Written by explaind '
        f"{escape(__version__)}.</footer>\n</div>\n{script}\n</body>\n</html>\n"
    )


def header_html(
    title: str, subtitle: str, lead: str, facts: Sequence[Fact], links: str = ""
) -> str:
    """Return the content of a page's header."""
    tiles = "".join(
        f'<div class="fact"><dt>{escape(fact.label)}</dt><dd>{escape(fact.value)}</dd>'
        f'<dd class="detail">{escape(fact.detail)}</dd></div>'
        for fact in facts
    )
    return (
        f'{links}<h1>{escape(title)}</h1>\n<p class="subtitle">{escape(subtitle)}</p>\n{lead}\n'
        f'<dl class="facts">{tiles}</dl>'
    )


def navigation(name: str, pages: Mapping[str, str]) -> str:
    """Return the links from a figure page to the overview and the other pages of its run."""
    links = ['<a href="../index.html">Overview</a>']
    for page, kind in pages.items():
        title = PAGES[kind].title
        if page == name:
            links.append(f'<span class="here">{title}</span>')
        else:
            links.append(f'<a href="{page}.html">{title}</a>')
    return f"<nav>{''.join(links)}</nav>\n"


def panel_html(panel: Panel) -> str:
    """Return one section of a page."""
    letter = f'<span class="letter">{panel.letter}</span>' if panel.letter else ""
    plots = "".join(_plot_html(plot) for plot in panel.plots)
    caption = f'<p class="caption">{panel.caption}</p>\n' if panel.caption else ""
    side = f"<div>{panel.side}</div>" if panel.side else ""
    links = ", ".join(
        f'<a href="tables/{escape(table.name)}" download>{escape(table.name)}</a>'
        for table in panel.tables
    )
    downloads = f'<p class="downloads">Numbers behind this panel: {links}</p>' if links else ""
    single = " single" if len(panel.plots) + bool(panel.side) == 1 else ""
    return (
        f"<section>\n<h2>{letter}{escape(panel.title)}</h2>\n"
        f"{caption}{panel.controls}"
        f'<div class="plots{single}">{plots}{side}</div>\n{panel.extra}\n{downloads}\n</section>'
    )


def missing_html(message: str) -> str:
    """Return a box that says why something is not shown and what to do; `message` is HTML."""
    return f'<div class="missing">{message}</div>'


def keep_html(run: str, *slices: str) -> str:
    """Return the box for arrays that the run did not keep, by their names in the configuration."""
    names = " and ".join(f"<code>{name}</code>" for name in slices)
    return missing_html(
        f"This run did not keep what is shown here. Add {names} to "
        f"<code>runs.{escape(run)}.epk.keep</code> in the configuration and run the workflow again."
    )


def table_html(rows: Sequence[tuple[str, str, str]]) -> str:
    """Return a table of (name, formatted number, meaning in plain words)."""
    body = "".join(
        f'<tr><td>{escape(name)}</td><td class="number">{escape(number)}</td>'
        f'<td class="meaning">{escape(meaning)}</td></tr>'
        for name, number, meaning in rows
    )
    return f"<table><tbody>{body}</tbody></table>"


def write_table(table: pd.DataFrame, path: Path) -> Path:
    """Write a table as CSV or parquet, by the ending of `path`, atomically; return the path."""
    with replacing(path) as temporary:
        if path.suffix == ".parquet":
            table.to_parquet(temporary, index=False)
        else:
            table.to_csv(temporary, index=False, float_format="%.9g")
    return path


def write_plotly_js(paths: Paths) -> None:
    """Write the plotly script that all pages share."""
    write_text(paths.plotly_js(), get_plotlyjs())


def _plot_html(plot: Plot) -> str:
    heading = f"<h3>{escape(plot.heading)}</h3>" if plot.heading else ""
    body = to_html(
        plot.figure, config=PLOT_CONFIG, include_plotlyjs=False, full_html=False, div_id=plot.id
    )
    return f"<div>{heading}{body}</div>"
