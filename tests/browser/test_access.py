"""Pages on a phone, on paper, by keyboard, by ear, and without their plotting library."""

import shutil

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.browser.test_pages import errors, show
from tests.report.synthetic import PAGES

WIDTHS = """
return [...document.querySelectorAll(".js-plotly-plot")].map((plot) => plot._fullLayout.width);
"""
ON_PAPER = """
window.addEventListener("beforeprint", () => {
  window.printed = (() => {%s})();
});
"""
SAID = "return document.getElementById('announcement').textContent"
REACHED = """
const element = document.activeElement;
return element.closest(".js-plotly-plot") ? "plot" : element.tagName;
"""
CUT_TITLES = """
const cut = [];
document.querySelectorAll(".js-plotly-plot").forEach(function (plot) {
  const whole = plot.getBoundingClientRect();
  plot.querySelectorAll(".g-xtitle text, .g-ytitle text").forEach(function (title) {
    const box = title.getBoundingClientRect();
    if (box.width && (box.left < whole.left - 1 || box.right > whole.right + 1 ||
        box.top < whole.top - 1 || box.bottom > whole.bottom + 1)) { cut.push(title.textContent); }
  });
});
return cut;
"""
WIDEST_TABLE = """
return Math.max(...[...document.querySelectorAll(".columns")].map(
  (box) => box.querySelector("table").scrollWidth - box.clientWidth));
"""
PHONE = {"width": 400, "height": 800, "deviceScaleFactor": 1, "mobile": True}


def page(pages, name):
    return pages.index() if name == "index" else pages.figure(name)


@pytest.mark.parametrize("name", ["index", *PAGES])
def test_nothing_is_wider_than_a_phone(pages, browser, tmp_path, name):
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE)
    try:
        show(browser, page(pages, name))
        assert browser.execute_script("return document.documentElement.scrollWidth") <= 400
        assert browser.execute_script(CUT_TITLES) == []
        assert browser.save_screenshot(str(tmp_path / f"{name}.png"))
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_plots_fit_the_paper_and_fill_the_window_again(pages, browser):
    show(browser, pages.figure("training"))
    before = browser.execute_script(WIDTHS)
    browser.execute_script(ON_PAPER % WIDTHS)
    browser.execute_cdp_cmd("Page.printToPDF", {"paperWidth": 8.27, "paperHeight": 11.69})
    assert set(browser.execute_script("return window.printed")) == {680}
    assert browser.execute_script(WIDTHS) == before


def test_wide_tables_fit_the_paper(pages, browser):
    paper = {"width": 700, "height": 1000, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", paper)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        show(browser, pages.figure("grokking"))
        assert browser.execute_script(WIDEST_TABLE) <= 0
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_the_tab_key_does_not_stop_at_the_buttons_of_plots(pages, browser):
    show(browser, pages.figure("influence_matrices"))
    links = browser.find_elements(By.CSS_SELECTOR, "a[href]")
    stops = []
    for _ in range(len(links) + 40):
        browser.switch_to.active_element.send_keys(Keys.TAB)
        stops.append(browser.execute_script(REACHED))
        if stops[-1] == "BODY":
            break
    assert "plot" not in stops
    assert {"A", "SELECT", "INPUT", "BUTTON"} <= set(stops)  # all controls are reached


def test_what_is_chosen_is_said(pages, browser):
    show(browser, pages.figure("training"))
    assert browser.execute_script(SAID) == ""
    box = browser.find_element(By.CSS_SELECTOR, "[data-swap]")
    box.send_keys(Keys.SPACE)
    assert browser.execute_script(SAID).endswith(": on. Plots updated.")
    box.send_keys(Keys.SPACE)
    assert browser.execute_script(SAID).endswith(": off. Plots updated.")
    assert not errors(browser)
    show(browser, pages.figure("influence_matrices"))
    browser.find_element(By.ID, "map-component").send_keys(Keys.ARROW_DOWN)
    assert browser.execute_script(SAID) == "Component: embedding. Plots updated."
    assert not errors(browser)


def test_anchors_lead_to_their_panel(pages, browser):
    show(browser, pages.figure("training"))
    link = browser.find_elements(By.CSS_SELECTOR, "h2 .anchor")[-1]
    link.send_keys(Keys.ENTER)
    fragment = browser.execute_script("return decodeURIComponent(location.hash.slice(1))")
    panel = browser.find_element(By.ID, fragment)
    assert link in panel.find_elements(By.TAG_NAME, "a")


def test_a_page_without_its_library_says_so(pages, browser, tmp_path):
    alone = tmp_path / "training.html"
    shutil.copy(pages.figure("training"), alone)
    show(browser, alone)
    assert browser.find_element(By.CSS_SELECTOR, ".plotless").is_displayed()
    show(browser, pages.figure("training"))
    assert not browser.find_element(By.CSS_SELECTOR, ".plotless").is_displayed()
