"""A page: what it is about, key numbers, and panels with captions, plots and links to the tables.

Texts are plain or `Markup`: what is not `Markup` is escaped when the page is written.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import plotly.graph_objects as go
from markupsafe import Markup

NOTHING = Markup()

Files = Mapping[str, Path]
"""The tables behind a page, by the names that its kind declares without their endings."""


@dataclass(frozen=True)
class About:
    """What a page is about.

    Attributes:
        name: its name in the config, and of its file.
        title: the heading.
        run: name of the run, or `encoders`.
        files: the files that its tables were written to.
    """

    name: str
    title: str
    run: str
    files: Files


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
        title: the heading.
        caption: one or two sentences: what is shown, unit, sign, how to read it.
        plots: plots side by side where the window is wide enough.
        tables: files with the numbers, linked below.
        letter: mark before the title, may be empty.
        controls: above the plots, from `html.render`.
        side: beside the plots.
        extra: below the plots.
    """

    title: str
    caption: str = ""
    plots: Sequence[Plot] = ()
    tables: Sequence[Path] = ()
    letter: str = ""
    controls: Markup = NOTHING
    side: Markup = NOTHING
    extra: Markup = NOTHING


@dataclass(frozen=True)
class Page:
    """A whole page.

    Attributes:
        about: what it is about.
        lead: introduction.
        panels: the sections.
        facts: key numbers.
        subtitle: beside the name of the run, may be empty.
        extra: below the introduction.
        alone: whether it has the plotting library inside, so that it can be sent by itself.
    """

    about: About
    lead: str
    panels: Sequence[Panel]
    facts: Sequence[Fact] = ()
    subtitle: str = ""
    extra: Markup = NOTHING
    alone: bool = False

    @property
    def has_plots(self) -> bool:
        """Return whether any panel has a plot: only then the page loads the plotting library."""
        return any(panel.plots for panel in self.panels)
