"""Pages about languages in a real browser: scripts of all directions, and the choice of a map."""

import numpy as np
import pandas as pd
import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select

from explaind.experiments.language_influence import page as language_page
from explaind.experiments.language_influence.tables import read
from explaind.experiments.passages import page as passage_page
from explaind.experiments.passages.tables import PassageTables
from explaind.report.html import write_page, write_plotly_js
from explaind.report.page import About
from tests.browser.test_pages import errors, settled, show
from tests.experiments.language_influence import test_tables

WORDS = {"Arabic": "حرية", "Chinese": "自由", "Hindi": "स्वतन्त्रता"}
DIRECTIONS = {"Arabic": "rtl", "Chinese": "ltr", "Hindi": "ltr"}
PASSAGES = """
return [...document.querySelectorAll(".strip .passage")].map((passage) => [
  passage.textContent.trim(), getComputedStyle(passage).direction,
  [...passage.querySelectorAll("span")].map((span) => span.getBoundingClientRect().left)]);
"""
MAP = """
return document.getElementById("map")._fullData.filter((trace) => trace.visible === true)
  .map((trace) => [trace.meta.component, trace.meta.interval]);
"""
WHITE = """
const plot = document.getElementById("map"), drawn = plot._fullLayout;
const room = plot.parentElement.getBoundingClientRect().height;
return [Math.round(room - drawn.height), drawn._size.h - drawn.yaxis._length < 5];
"""
"""Pixels of the panel below a figure, and whether few of it are left beside its map."""


def passages():
    """One training passage for each held-out one, every letter with an influence."""
    explained, strongest, tokens = [], [], []
    shares = {"own_share": 1.0, "half": 1, "trained": 3}
    for train, (language, word) in enumerate(WORDS.items()):
        text = {"part": 1, "before": word, "inside": "", "after": ""}
        explained.append({"language": language, **text, **shares})
        row = {"explained": language, "side": "helpful", "rank": 1, "train": train}
        strongest.append(row | {"language": language, "part": 2, "influence": 1.0, "text": word})
        tokens += [
            {
                "explained": language,
                "train": train,
                "place": place,
                "text": letter,
                "influence": 1.0,
            }
            for place, letter in enumerate(word)
        ]
    return PassageTables(*map(pd.DataFrame, (explained, strongest, tokens)), unit="nat")


@pytest.fixture(scope="module")
def folder(pages):
    """Where both pages are, of planted numbers."""
    write_plotly_js(pages)
    files = {name: pages.table("languages", name, "csv") for name in ("strongest", "tokens")}
    about = About("passages", "Passages", "run", files)
    write_page(passage_page.draw(passages(), about), {}, pages.figure("passages"))
    names = ("influence", "shares", "nearest", "parts", "steps")
    files = {name: pages.table("languages", name, "csv") for name in names}
    tables = read(test_tables.sources()[0], test_tables.SETTINGS)
    drawn = language_page.draw(tables, About("languages", "Languages", "run", files))
    write_page(drawn, {}, pages.figure("languages"))
    return pages


def test_text_runs_in_its_own_direction_unbroken(folder, browser):
    show(browser, folder.figure("passages"))
    found = dict(zip(WORDS, browser.execute_script(PASSAGES), strict=True))
    for language, (text, direction, lefts) in found.items():
        assert text == WORDS[language]
        assert direction == DIRECTIONS[language]
        assert len(lefts) == len(WORDS[language])
    assert (np.diff(found["Arabic"][2]) < 0).all()
    assert (np.diff(found["Chinese"][2]) > 0).all()
    assert not errors(browser)


def test_component_and_interval_choose_the_map_together(folder, browser):
    show(browser, folder.figure("languages"))
    expected = [["all components", "0"]]
    assert settled(browser, MAP, expected) == expected
    for name, text in (("interval", "steps 5 to 9"), ("component", "layer 1 MLP")):
        lists = browser.find_element(By.CSS_SELECTOR, f"[data-choice={name}]")
        Select(lists).select_by_visible_text(text)
    expected = [["layer 1 MLP", "2"]]
    assert settled(browser, MAP, expected) == expected
    assert len(browser.find_elements(By.CSS_SELECTOR, "#map .cbcoloraxis, #map .colorbar")) == 1
    assert not errors(browser)


def test_a_figure_ends_where_its_map_does_on_a_phone(folder, browser):
    phone = {"width": 400, "height": 900, "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", phone)
    try:
        show(browser, folder.figure("languages"))
        assert settled(browser, WHITE, [0, True]) == [0, True]
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
