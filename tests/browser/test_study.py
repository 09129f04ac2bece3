"""Every control and every table of the pages of the grokking study."""

import json

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from explaind.config.load import load_config
from explaind.experiments.drawing import draw_page
from explaind.experiments.job import Job
from explaind.experiments.maps import compute as maps
from explaind.report.html import write_plotly_js
from explaind.store import write_store
from tests.browser.test_access import CUT_TITLES, PHONE
from tests.browser.test_pages import errors, show
from tests.experiments.retrain.measured import retrain_table
from tests.experiments.similarity.made import P, project
from tests.experiments.spectrum.made import SPECTRUM
from tests.experiments.swap.measured import swap_store
from tests.report.synthetic import PAGES

COMPUTED = {
    "similarity": {"page": {"neighbours": 3}},
    "maps": {"neighbours": 5},
    "spectrum": {"tensors": ["embedding.weight"]},
    "swap": {},
    "retrain": {},
}
ALL = (*PAGES, *COMPUTED)
CONTROLLED = sorted({*ALL} - {"grokking", "epk_validation"})  # these two have no control
CONTROLS = """
window.controls = [...document.querySelectorAll("main select, main input")]
  .filter((control) => !control.disabled);
return window.controls.map((control) => control.type === "checkbox" ? 2 :
  control.type === "range" ? Number(control.max) - Number(control.min) + 1 :
  control.options.length);
"""
CHOOSE = """
const control = window.controls[arguments[0]], state = arguments[1];
if (control.type === "checkbox") { if (control.checked !== (state === 1)) { control.click(); } }
else if (control.type === "range") {
  control.value = Number(control.min) + state;
  control.dispatchEvent(new Event("input", {bubbles: true}));
} else {
  control.selectedIndex = state;
  control.dispatchEvent(new Event("change", {bubbles: true}));
}
"""
SHOWN = """
const rows = (values) => Array.from(values || [], (row) => row && row.length
  && typeof row !== "string" ? Array.from(row) : row);
const plots = [...document.querySelectorAll(".js-plotly-plot")].map((plot) =>
  plot._fullData.filter((trace) => trace.visible === true).map((trace) =>
    [trace.name, trace.zmin, rows(trace.x), rows(trace.y), rows(trace.z)]));
const hidden = [...document.querySelectorAll("[data-shown-for]")].map((part) => part.hidden);
const titles = [...document.querySelectorAll(".xtitle, .ytitle")].map((text) => text.textContent);
return JSON.stringify([plots, hidden, titles]);
"""
UNSORTED = """
const wrong = [];
document.querySelectorAll(".columns table").forEach((table, number) => {
  [...table.querySelectorAll("th")].forEach((title, column) => {
    for (const order of ["ascending", "descending"]) {
      title.querySelector("button").click();
      const keys = [...table.tBodies[0].rows].map((row) => sortKey(row, column));
      const sign = order === "ascending" ? 1 : -1;
      const sorted = keys.every((key, row) => !row || keys[row - 1][0] < key[0]
        || (keys[row - 1][0] === key[0]
          && sign * (keys[row - 1][1] - key[1] || keys[row - 1][2].localeCompare(key[2])) <= 0));
      if (!sorted || title.getAttribute("aria-sort") !== order) { wrong.push([number, column]); }
    }
  });
});
return wrong;
"""


@pytest.fixture(scope="module")
def study(pages, tmp_path_factory):
    """Where the page of each name is."""
    _, paths = project(tmp_path_factory.mktemp("study"))
    experiments = {name: {"run": "grokking", **keys} for name, keys in COMPUTED.items()}
    config = load_config({"datasets": {"modulo": {"p": P}}, "experiments": experiments})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(maps, "umap_points", lambda _, start, *__: start)
        points = maps.compute(Job("maps", config.experiments["maps"], config, paths, paths.results))
    for name, table in (("maps", points), ("spectrum", SPECTRUM), ("retrain", retrain_table())):
        table.to_parquet(paths.experiment("grokking", name))
    write_store(paths.experiment("grokking", "swap", "zarr"), swap_store(), {})
    write_plotly_js(paths)
    for name in COMPUTED:
        draw_page(config, paths, name)
    return {name: (paths if name in COMPUTED else pages).figure(name) for name in ALL}


@pytest.mark.parametrize("name", CONTROLLED)
def test_every_control_changes_the_page_without_an_error(study, browser, name):
    show(browser, study[name])
    counts = browser.execute_script(CONTROLS)
    assert counts
    for number, states in enumerate(counts):
        shown = set()
        for state in range(states):
            browser.execute_script(CHOOSE, number, state)
            found = browser.execute_script(SHOWN)
            assert all(json.loads(found)[0]), f"control {number}, state {state}: an empty plot"
            shown.add(found)
        assert len(shown) == states, f"control {number} changes nothing"
        browser.execute_script(CHOOSE, number, 0)
    assert not errors(browser)


@pytest.mark.parametrize("name", ALL)
def test_every_play_button_plays_to_the_end(study, browser, name):
    show(browser, study[name])
    buttons = browser.find_elements(By.CSS_SELECTOR, "main .controls button")
    assert len(buttons) == (name == "influence_matrices")
    for button in buttons:
        button.click()
        assert "Stop" in button.text
        WebDriverWait(browser, 15).until(lambda _, button=button: "Play" in button.text)
        slider = button.find_element(By.XPATH, "..").find_element(By.CSS_SELECTOR, "[type=range]")
        assert slider.get_property("value") == slider.get_attribute("max")
    assert not errors(browser)


@pytest.mark.parametrize("name", ALL)
def test_tables_sort_by_every_column(study, browser, name):
    show(browser, study[name])
    assert browser.execute_script(UNSORTED) == []
    assert not errors(browser)


@pytest.mark.parametrize("name", COMPUTED)
def test_nothing_is_wider_than_a_phone(study, browser, name):
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE)
    try:
        show(browser, study[name])
        assert browser.execute_script("return document.documentElement.scrollWidth") <= 400
        assert browser.execute_script(CUT_TITLES) == []
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
