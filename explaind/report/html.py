"""Pages as HTML, by the templates beside this module.

Pages load one shared `plotly.min.js` beside them and nothing else, so they open offline from a
folder. The same input gives the same bytes: identifiers of plots are fixed and no date is printed.
"""

import base64
import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from io import BytesIO
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Shaped
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from PIL import Image
from plotly.io import to_html
from plotly.offline import get_plotlyjs

from explaind import __version__
from explaind.files import write_text
from explaind.paths import Paths
from explaind.report.page import Page, Panel
from explaind.report.text import PAPER

PLOT_CONFIG = {
    "responsive": True,
    "displaylogo": False,
    # nothing leaves the reader's computer: no button that uploads a chart
    "modeBarButtonsToRemove": ["sendChartToCloud", "lasso2d", "select2d", "autoScale2d"],
}


def write_page(page: Page, pages: Mapping[str, str], path: Path) -> None:
    """Write a page beside the shared plotly script, atomically.

    Args:
        page: the page.
        pages: titles of the pages of the same run by name, to link to.
        path: its file.
    """
    write_text(path, render("page.html", page=page, pages=pages))


def write_plotly_js(paths: Paths) -> None:
    """Write the plotly script that all pages share."""
    write_text(paths.plotly_js(), get_plotlyjs())


def render(template: str, **values: object) -> Markup:
    """Return HTML from a template.

    Args:
        template: its file name.
        values: what it names; all but `Markup` is escaped.

    Returns:
        The HTML.
    """
    return Markup(_environment().get_template(template).render(values))


def not_kept(run: str, *arrays: str) -> Markup:
    """Return the box for arrays that the run did not keep, by their names in the configuration."""
    return render("not_kept.html", run=run, arrays=arrays)


def picture_uri(image: Shaped[np.ndarray, "channel row column"]) -> str:
    """Encode an image as a PNG data URI.

    Args:
        image: one channel (grey) or three (colour); uint8, or floating numbers, which are scaled so
            that the smallest is black and the largest white.

    Returns:
        The URI.
    """
    pixels = image if image.dtype == np.uint8 else _scaled(image)
    grey = len(pixels) == 1
    buffer = BytesIO()
    Image.fromarray(pixels[0] if grey else pixels.transpose(1, 2, 0)).save(buffer, "PNG")
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("explaind.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals |= {
        "version": __version__,
        "package_file": _package_file,
        "plotly_js": lambda: Markup(get_plotlyjs()),
        "paper": PAPER,
    }
    environment.filters |= {"plotly": _plot, "png": picture_uri, "anchored": _anchored}
    return environment


def _package_file(name: str) -> Markup:
    text = resources.files("explaind.report").joinpath(name).read_text(encoding="utf-8")
    return Markup(text.rstrip())


def _anchored(panels: Sequence[Panel]) -> list[tuple[Panel, str]]:
    """Each panel with the anchor that links lead to: of its title, and of no other of the page."""
    anchors: list[str] = []
    for panel in panels:
        words = re.findall(r"\w+", panel.title.lower())
        anchor = "-".join(("panel", *words))  # no plot is named like that
        while anchor in anchors:
            anchor += "-more"
        anchors.append(anchor)
    return list(zip(panels, anchors, strict=True))


def _plot(figure: go.Figure, name: str) -> Markup:
    html = to_html(figure, config=PLOT_CONFIG, include_plotlyjs=False, full_html=False, div_id=name)
    return Markup(html)


def _scaled(image: np.ndarray) -> np.ndarray:
    span = float(np.ptp(image)) or 1.0
    scaled: np.ndarray = np.rint(255 * (image - image.min()) / span).astype(np.uint8)
    return scaled
