"""Templates: escaping, missing values, pictures, atomic writing."""

import base64
import re
from dataclasses import replace
from io import BytesIO

import numpy as np
import plotly.graph_objects as go
import pytest
from jinja2 import UndefinedError
from markupsafe import Markup
from PIL import Image

from explaind.report.html import not_kept, picture_uri, render, write_page
from explaind.report.page import About, Fact, Page, Panel, Plot

ABOUT = About("training", "Old <title>", "<run>", {})


def test_texts_are_escaped_and_markup_is_not():
    panel = Panel("<p>", Markup("<em>this</em> {}").format("<that>"), extra=Markup("<hr>"))
    page = Page(ABOUT, "<lead>", (panel,), (Fact("<label>", "<value>", "<detail>"),), "<sub>")
    html = render("page.html", page=page, pages={"<other>": "<Other>"})
    body = html[html.index("<body>") : html.index("<script>")]
    assert "<em>this</em> &lt;that&gt;" in body
    assert "<hr>" in body
    for text in ("title", "run", "lead", "label", "value", "detail", "sub", "p", "other", "Other"):
        assert f"&lt;{text}&gt;" in body
    for text in ("<title>", "<run>", "<lead>", "<label>", "<detail>", "<that>", "<other>"):
        assert text not in body


def test_every_panel_has_an_anchor_of_its_own():
    panels = [Panel(title) for title in ("Loss, by step", "Loss by step!", "Verlust über Schritte")]
    html = render("page.html", page=Page(ABOUT, "", panels), pages={})
    anchors = re.findall(r'<section id="([^"]+)">', html)
    assert anchors == [
        "panel-loss-by-step",
        "panel-loss-by-step-more",
        "panel-verlust-über-schritte",
    ]
    assert re.findall(r'class="anchor" href="#([^"]+)"', html) == anchors


@pytest.mark.parametrize(("count", "folded"), [(12, False), (13, True)])
def test_many_pages_of_a_run_are_folded_away(count, folded):
    pages = {f"page_{n}": f"Title {n}" for n in range(count - 1)} | {"training": "Old"}
    html = render("page.html", page=Page(ABOUT, "", ()), pages=pages)
    navigation = html[html.index("<nav") : html.index("</nav>")]
    assert (f"<summary>All {count} pages of this run</summary>" in navigation) is folded
    assert navigation.count("<a href=") == count  # the overview, and all but this one
    assert '<span class="here" aria-current="page">Old</span>' in navigation


def test_pages_say_their_run_and_whose_method_it_is():
    html = render("page.html", page=Page(ABOUT, "", ()), pages={})
    assert "<title>Old &lt;title&gt; · &lt;run&gt;</title>" in html
    assert "https://arxiv.org/abs/2505.20076" in html[html.index("<footer>") :]


def test_plots_have_a_name_for_those_who_do_not_see_them():
    plots = [Plot("one", go.Figure(), "Of <one>"), Plot("two", go.Figure())]
    page = Page(ABOUT, "", (Panel("The panel", plots=plots),))
    html = render("page.html", page=page, pages={})
    assert re.findall(r'<figure aria-label="([^"]+)">', html) == [
        "Plot: Of &lt;one&gt;",
        "Plot: The panel",
    ]


def test_a_value_that_is_missing_is_an_error():
    with pytest.raises(UndefinedError, match="'rows' is undefined"):
        render("table.html")


def test_arrays_that_were_not_kept_are_named():
    html = not_kept("a<b", "component", "absolute")
    assert "<code>component</code> and <code>absolute</code>" in html
    assert "<code>runs.a&lt;b.epk.keep</code>" in html


def test_a_failed_writer_leaves_the_old_page(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError("disk is full")

    path = tmp_path / "page.html"
    page = Page(ABOUT, lead="", panels=())
    write_page(page, {}, path)
    before = path.read_bytes()
    monkeypatch.setattr("explaind.files.os.replace", refuse)
    with pytest.raises(OSError, match="disk is full"):
        write_page(replace(page, lead="New"), {}, path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def decoded(uri):
    head, code = uri.split(",")
    assert head == "data:image/png;base64"
    return np.asarray(Image.open(BytesIO(base64.b64decode(code))))


def test_pictures_by_hand():
    colour = np.arange(24, dtype=np.uint8).reshape(3, 2, 4)
    np.testing.assert_array_equal(decoded(picture_uri(colour)), colour.transpose(1, 2, 0))
    floating = np.array([[[-1.0, 0.0], [0.0, 1.0]]])
    np.testing.assert_array_equal(decoded(picture_uri(floating)), [[0, 128], [128, 255]])
    constant = np.full((1, 2, 2), 7.0)
    np.testing.assert_array_equal(decoded(picture_uri(constant)), np.zeros((2, 2)))


def test_a_percent_sign_stays_with_its_number():
    table = {"caption": "", "label": "Shares", "titles": ["Share"]}
    html = render("columns.html", **table, rows=[["98.08 %, 3.5 %"], [Markup("<b>2 %</b>")], [7]])
    cells = re.findall("<td[^>]*>(.*)</td>", html)
    assert cells == ["98.08\u00a0%, 3.5\u00a0%", "<b>2\u00a0%</b>", "7"]
