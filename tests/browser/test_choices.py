"""Controls of a panel in a real browser: they choose traces, titles and elements together."""

import pytest
from markupsafe import Markup
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select

from explaind.report.choices import Choice, controls, show_first
from explaind.report.html import write_page, write_plotly_js
from explaind.report.page import About, Page, Panel, Plot
from explaind.report.plots.theme import new_figure
from tests.browser.test_pages import errors, settled, show

CHOICES = (
    Choice("shape", "Shape", {"round": "round", "flat": "flat"}),
    Choice("colour", "Colour", {"red": "red", "blue": "blue"}),
)
ELEMENTS = """
<p data-shown-for='{"shape": "round"}' id="round">round</p>
<p data-shown-for='{"shape": "flat", "colour": "blue"}' id="flat-blue" hidden>flat and blue</p>
"""
SHOWN = """
const plot = document.querySelector(".js-plotly-plot");
return [plot._fullData.filter((t) => t.visible === true).map((t) => t.name),
  plot.layout.yaxis.title.text,
  [...document.querySelectorAll("[data-shown-for]")].filter((e) => !e.hidden).map((e) => e.id)];
"""


@pytest.fixture(scope="module")
def path(pages):
    figure = new_figure()
    for shape in CHOICES[0].options:
        for colour in CHOICES[1].options:
            figure.add_scatter(y=[1, 2], name=f"{shape} {colour}", showlegend=True)
            figure.data[-1].meta = {"shape": shape, "colour": colour}
    titles = {shape: {"yaxis.title.text": f"how {shape}"} for shape in CHOICES[0].options}
    show_first(figure, CHOICES, {"shape": titles})
    panel = Panel("Things", plots=(Plot("things", figure),), controls=controls(*CHOICES))
    panels = (panel, Panel("Others", controls=controls(CHOICES[0]), extra=Markup(ELEMENTS)))
    path = pages.figure("choices")
    write_plotly_js(pages)
    write_page(Page(About("choices", "Choices", "run", {}), "Lead", panels), {}, path)
    return path


def choose(browser, section, name, value):
    selector = f"section:nth-of-type({section}) [data-choice={name}]"
    Select(browser.find_element(By.CSS_SELECTOR, selector)).select_by_value(value)


def test_a_panel_shows_what_fits_all_its_choices(browser, path):
    show(browser, path)
    expected = [["round red"], "how round", ["round"]]
    assert settled(browser, SHOWN, expected) == expected
    choose(browser, 1, "colour", "blue")
    expected = [["round blue"], "how round", ["round"]]
    assert settled(browser, SHOWN, expected) == expected
    choose(browser, 1, "shape", "flat")
    expected = [["flat blue"], "how flat", ["round"]]  # the other panel keeps its own choice
    assert settled(browser, SHOWN, expected) == expected
    choose(browser, 2, "shape", "flat")
    expected = [["flat blue"], "how flat", ["flat-blue"]]
    assert settled(browser, SHOWN, expected) == expected
    assert not errors(browser)
