"""The pages in a real browser: no error, the expected traces, controls that act together."""

import numpy as np
import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select, WebDriverWait

from explaind.attribution.classes import class_maps, difference_profile
from explaind.attribution.run import open_run
from explaind.attribution.steps import component_table
from tests.figures.synthetic import COMPONENTS

TRACES = {
    "grokking": {
        "loss": 2,
        "accuracy": 2,
        "norm": 1,
        "component-norm": 6,
        "influence-absolute": 6,
        "influence-net": 6,
        "parts-step": 3,
        "parts-cumulative": 4,
        "class-map": 1,
        "class-profile": 1,
        "sample-map": 1,
        "agreement": 3,
        "residual": 2,
        "subintervals": 2,
    },
    "training": {
        "loss": 2,
        "accuracy": 2,
        "norm": 1,
        "component-norm": 6,
        "learning-rate": 1,
        "weight-decay": 1,
    },
    "epk_validation": {
        "scatter": 3,
        "deviation": 1,
        "step-sizes": 4,
        "cumulative-residual": 1,
        "closure": 3,
        "residual-share": 1,
    },
}
PLOTS = """
return Object.fromEntries([...document.querySelectorAll(".js-plotly-plot")].map(
  (plot) => [plot.id, plot.querySelector(".main-svg") ? plot.data.length : 0]));
"""


def show(browser, path):
    browser.set_window_size(1360, 1000)
    browser.get_log("browser")  # forget what an earlier page logged
    browser.get(path.as_uri())
    WebDriverWait(browser, 30).until(
        lambda found: found.execute_script("return document.readyState") == "complete"
    )


def errors(browser):
    return [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]


def move_slider(browser, position):
    browser.execute_script(
        "const slider = document.getElementById('map-interval'); slider.value = arguments[0];"
        "slider.dispatchEvent(new Event('input'));",
        position,
    )


def choose_component(browser, name):
    Select(browser.find_element(By.ID, "map-component")).select_by_visible_text(name)


def drawn(browser, plot, key):
    """Numbers that plotly draws now, missing ones as NaN."""
    script = f"""
    const values = document.getElementById({plot!r})._fullData[0].{key};
    return Array.from(values, (row) => row && row.length ? Array.from(row) : row);
    """
    return np.array(browser.execute_script(script), dtype=np.float64)


@pytest.mark.parametrize("name", TRACES)
def test_page_draws_everything_without_an_error(pages, browser, tmp_path, name):
    show(browser, pages.figure(name))
    assert browser.execute_script(PLOTS) == TRACES[name]
    assert not errors(browser)
    assert browser.save_screenshot(str(tmp_path / f"{name}.png"))


def test_plots_stay_inside_their_panels(pages, browser):
    show(browser, pages.figure("grokking"))
    for width in (1360, 700):
        browser.set_window_size(width, 1000)
        WebDriverWait(browser, 10).until(
            lambda found: (
                not found.execute_script("""
            return [...document.querySelectorAll(".js-plotly-plot")].filter((plot) =>
              plot.querySelector(".main-svg").getBoundingClientRect().right
              > plot.closest("section").getBoundingClientRect().right).map((plot) => plot.id);
            """)
            )
        )


def test_index_links_to_the_figures(pages, browser, tmp_path):
    show(browser, pages.index())
    assert not errors(browser)
    browser.save_screenshot(str(tmp_path / "index.png"))
    browser.find_element(By.CSS_SELECTOR, 'a[href="figures/grokking.html"]').click()
    WebDriverWait(browser, 30).until(
        lambda found: found.execute_script(PLOTS) == TRACES["grokking"]
    )
    assert not errors(browser)


def test_slider_and_drop_down_choose_the_map_together(pages, browser):
    maps = class_maps(open_run(pages, "grokking").influence, 7)
    profiles = difference_profile(maps).to_numpy()
    show(browser, pages.figure("grokking"))

    def check(interval, component):
        expected = maps[interval, component].to_numpy()
        tolerance = 1e-4 * np.nanmax(np.abs(expected))
        np.testing.assert_allclose(drawn(browser, "class-map", "z"), expected, atol=tolerance)
        np.testing.assert_allclose(
            drawn(browser, "class-profile", "y"), profiles[interval, component], rtol=1e-5
        )

    check(0, 0)
    move_slider(browser, 2)
    check(2, 0)
    choose_component(browser, "linear1")
    check(2, 1 + COMPONENTS.index("linear1"))  # the interval was kept
    move_slider(browser, 3)
    check(3, 1 + COMPONENTS.index("linear1"))  # the component was kept
    assert browser.find_element(By.ID, "map-interval-label").text == "steps 40 to 59"
    assert not errors(browser)


def test_colours_are_symmetric_and_can_be_shared(pages, browser):
    show(browser, pages.figure("grokking"))
    limit = "const map = document.getElementById('class-map').data[0]; return [map.zmin, map.zmax];"
    move_slider(browser, 1)
    first = browser.execute_script(limit)
    move_slider(browser, 3)
    last = browser.execute_script(limit)
    assert first[0] == -first[1]
    assert first != last
    browser.find_element(By.ID, "map-common-scale").click()
    shared = browser.execute_script(limit)
    move_slider(browser, 1)
    assert browser.execute_script(limit) == shared
    assert shared[1] >= max(first[1], last[1])


def test_play_runs_through_the_intervals(pages, browser):
    show(browser, pages.figure("grokking"))
    browser.find_element(By.ID, "map-play").click()
    label = browser.find_element(By.ID, "map-interval-label")
    WebDriverWait(browser, 30).until(lambda _: label.text == "steps 40 to 59")
    button = browser.find_element(By.ID, "map-play")
    WebDriverWait(browser, 30).until(lambda _: "Play" in button.text)


def test_single_steps_replace_the_moving_average_and_back(pages, browser):
    table = component_table(open_run(pages, "grokking").influence)
    raw = table.loc[table["component"] == COMPONENTS[0], "absolute"]
    show(browser, pages.figure("grokking"))
    smooth = drawn(browser, "influence-absolute", "y")
    switch = browser.find_element(By.CSS_SELECTOR, '[data-swap~="influence-absolute"]')
    switch.click()
    np.testing.assert_allclose(drawn(browser, "influence-absolute", "y"), raw, rtol=1e-6)
    switch.click()
    np.testing.assert_array_equal(drawn(browser, "influence-absolute", "y"), smooth)
    assert not np.allclose(smooth, raw)


def test_no_button_uploads_a_chart(pages, browser):
    show(browser, pages.figure("training"))
    titles = browser.execute_script(
        "return [...document.querySelectorAll('.modebar-btn')].map((b) => b.dataset.title)"
    )
    assert titles
    assert not [title for title in titles if "Share" in title or "Cloud" in title]
