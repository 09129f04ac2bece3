"""The pages in a real browser: no error, the expected traces, controls that act together."""

import contextlib
import time

import numpy as np
import pytest
from selenium.common.exceptions import TimeoutException
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select, WebDriverWait

from explaind.experiments.influence_matrices.tables import matrices, shown_samples
from explaind.report.plots.heatmap import robust_limit, saturated_share
from explaind.report.tables.classes import class_maps, difference_profile
from explaind.report.tables.steps import influence_by_component
from explaind.report.text import percent, signed
from explaind.store import open_sealed
from tests.report.synthetic import COMPONENTS

TRACES = {
    "grokking": {
        "phase-accuracy": 2,
        "phase-influence": 6,
        "loss": 2,
        "accuracy": 2,
        "cancellation": 3,
        "cancellation-interval": 3,
    },
    "influence_over_training": {"steps": 144, "ratio": 12, "difference": 12},
    "influence_matrices": {
        "loss": 2,
        "accuracy": 2,
        "class-map": 1,
        "class-profile": 1,
        "sample-map": 1,
    },
    "training": {
        "loss": 2,
        "accuracy": 2,
        "decomposition-step": 3,
        "decomposition-cumulative": 4,
        "component-absolute": 6,
        "component-net": 6,
        "cancellation": 3,
        "cancellation-interval": 3,
        "norm": 1,
        "component-norm": 6,
        "learning-rate": 1,
        "weight-decay": 1,
    },
    "epk_validation": {
        "scatter": 3,
        "error": 1,
        "step-sizes": 4,
        "residual": 2,
        "cumulative-residual": 1,
        "subintervals": 2,
        "completeness": 3,
        "residual-share": 1,
    },
}
PLOTS = """
return Object.fromEntries([...document.querySelectorAll(".js-plotly-plot")].map(
  (plot) => [plot.id, plot.querySelector(".main-svg") ? plot.data.length : 0]));
"""
PLACES = """
const frame = (element) => element.getBoundingClientRect();
return Object.fromEntries([...document.querySelectorAll(".js-plotly-plot")].map((plot) => {
  const drawn = frame(plot.querySelector(".main-svg")), panel = frame(plot.closest("section"));
  const inside = drawn.width > 0 && drawn.left >= panel.left && drawn.right <= panel.right;
  return [plot.id, inside ? "inside" : `${drawn.left}..${drawn.right} of ${panel.right}`];
}));
"""
WATCH_LABEL = """
window.labels = [];
const label = document.getElementById("map-interval-label");
new MutationObserver(() => window.labels.push(label.textContent)).observe(
  label, {childList: true, characterData: true, subtree: true});
"""


def settled(browser, script, expected, seconds=15):
    """Result of a script once it is as expected, or as it is after some seconds."""
    with contextlib.suppress(TimeoutException):
        WebDriverWait(browser, seconds).until(
            lambda found: found.execute_script(script) == expected
        )
    return browser.execute_script(script)


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


@pytest.mark.parametrize("name", TRACES)
@pytest.mark.parametrize("width", [1360, 700])
def test_plots_stay_inside_their_panels(pages, browser, name, width):
    show(browser, pages.figure(name))
    browser.set_window_size(width, 1000)
    expected = dict.fromkeys(TRACES[name], "inside")
    found = settled(browser, PLACES, expected)
    assert found == expected
    right = browser.execute_script("return document.documentElement.scrollWidth")
    assert right <= browser.execute_script("return window.innerWidth")  # no sideways scrolling


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
    maps = class_maps(open_sealed(pages.influence("grokking")), 7)
    profiles = difference_profile(maps).to_numpy()
    show(browser, pages.figure("influence_matrices"))

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
    show(browser, pages.figure("influence_matrices"))
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


def test_an_interval_is_shaded_in_the_plots_over_steps(pages, browser):
    bands = """
    return [...document.querySelectorAll(".js-plotly-plot")].map((plot) => [plot.id,
      (plot.layout.shapes || []).filter((shape) => shape.type === "rect").map(
        (shape) => [shape.x0, shape.x1])]).filter((found) => found[1].length);
    """
    show(browser, pages.figure("influence_matrices"))
    over_steps = ("loss", "accuracy")
    move_slider(browser, 2)
    assert dict(browser.execute_script(bands)) == {plot: [[19.5, 39.5]] for plot in over_steps}
    move_slider(browser, 3)
    assert dict(browser.execute_script(bands)) == {plot: [[39.5, 59.5]] for plot in over_steps}
    move_slider(browser, 0)
    assert browser.execute_script(bands) == []


def test_the_colour_bar_follows_the_map(pages, browser):
    maps = class_maps(open_sealed(pages.influence("grokking")), 7)
    bar = "const bar = document.getElementById('class-map').data[0].colorbar;"
    show(browser, pages.figure("influence_matrices"))
    first = browser.execute_script(f"{bar} return bar.ticktext")
    move_slider(browser, 2)
    limit = robust_limit(maps[2, 0].to_numpy())
    ticks = browser.execute_script(f"{bar} return bar.tickvals")
    np.testing.assert_allclose(ticks, np.linspace(-limit, limit, 5), rtol=1e-3, atol=1e-9)
    texts = browser.execute_script(f"{bar} return bar.ticktext")
    assert texts[-1] == f"≥ {signed(limit, 2)}"
    assert texts != first
    share = percent(saturated_share(maps[2, 0].to_numpy(), limit))
    assert browser.find_element(By.ID, "map-saturated").text == share


def test_play_runs_through_the_intervals(pages, browser):
    expected = ["steps 0 to 19", "steps 20 to 39", "steps 40 to 59"]
    maps = class_maps(open_sealed(pages.influence("grokking")), 7)
    show(browser, pages.figure("influence_matrices"))
    browser.execute_script(WATCH_LABEL)
    button = browser.find_element(By.ID, "map-play")
    button.click()
    assert "Stop" in button.text
    assert settled(browser, "return window.labels", expected) == expected
    text = "return document.getElementById('map-play').textContent"
    assert settled(browser, text, "▶ Play") == "▶ Play"
    last = maps[-1, 0].to_numpy()
    tolerance = 1e-4 * np.nanmax(np.abs(last))
    np.testing.assert_allclose(drawn(browser, "class-map", "z"), last, atol=tolerance)


def test_stop_keeps_the_interval(pages, browser):
    show(browser, pages.figure("influence_matrices"))
    button = browser.find_element(By.ID, "map-play")
    button.click()
    button.click()
    shown = browser.find_element(By.ID, "map-interval-label").text
    browser.execute_script(WATCH_LABEL)
    time.sleep(1.2)  # longer than an interval is shown
    assert "Play" in button.text
    assert browser.execute_script("return window.labels") == []
    assert browser.find_element(By.ID, "map-interval-label").text == shown == "steps 0 to 19"


def test_single_steps_replace_the_moving_average_and_back(pages, browser):
    table = influence_by_component(open_sealed(pages.influence("grokking")))
    raw = table.loc[table["component"] == COMPONENTS[0], "absolute"]
    show(browser, pages.figure("training"))
    smooth = drawn(browser, "component-absolute", "y")
    switch = browser.find_element(By.CSS_SELECTOR, '[data-swap~="component-absolute"]')
    switch.click()
    np.testing.assert_allclose(drawn(browser, "component-absolute", "y"), raw, rtol=1e-6)
    switch.click()
    np.testing.assert_array_equal(drawn(browser, "component-absolute", "y"), smooth)
    assert not np.allclose(smooth, raw)


def test_lists_choose_the_matrix_and_its_order(pages, browser):
    influence = open_sealed(pages.influence("grokking"))
    steps = open_sealed(pages.experiment("grokking", "influence_matrices", "zarr"))
    shown = shown_samples(influence, steps)
    expected = matrices(influence, steps, shown)
    show(browser, pages.figure("influence_matrices"))

    def choose(name, place):
        Select(browser.find_element(By.ID, f"sample-{name}")).select_by_index(place)

    def keys(axis):
        script = f"return document.getElementById('sample-map').layout.{axis}.ticktext"
        return [int(key) for key in browser.execute_script(script)]

    for chosen in ((0, 0, 0, 0), (0, 2, 3, 1), (1, 4, 0, 2), (0, 5, 6, 3)):
        for name, place in zip(("sign", "range", "component", "order"), chosen, strict=True):
            choose(name, place)
        found = drawn(browser, "sample-map", "z")
        wanted = expected[chosen[:3]].to_numpy()
        assert found.shape == wanted.shape
        # the same cells in another order, to the byte that each has
        largest = np.abs(wanted).max()
        np.testing.assert_allclose(
            np.sort(found.ravel()), np.sort(wanted.ravel()), atol=largest / 127 * 1.01
        )
        for axis, split in (("xaxis", "training"), ("yaxis", "validation")):
            assert keys(axis) == sorted(keys(axis))
            title = f"return document.getElementById('sample-map').layout.{axis}.title.text"
            assert browser.execute_script(title).startswith(f"{split} samples, sorted by ")
    assert not errors(browser)


def test_the_moving_average_is_chosen_on_the_page(pages, browser):
    table = influence_by_component(open_sealed(pages.influence("grokking")))
    raw = table.loc[table["component"] == COMPONENTS[0], "net"].to_numpy()
    show(browser, pages.figure("influence_over_training"))
    for name, value in (("quantity", "net"), ("smoothing", "1")):
        control = browser.find_element(By.CSS_SELECTOR, f'[data-choice="{name}"]')
        Select(control).select_by_value(value)
    script = """
    const plot = document.getElementById("steps");
    const shown = plot._fullData.filter((trace) => trace.visible === true);
    return [shown.map((trace) => trace.name), Array.from(shown[0].y)];
    """
    names, values = browser.execute_script(script)
    assert names == list(COMPONENTS)
    np.testing.assert_allclose(values, raw, rtol=1e-5, atol=1e-7)
    assert not errors(browser)


def test_tables_sort_by_the_column_whose_title_is_clicked(pages, browser):
    show(browser, pages.figure("influence_matrices"))
    title = browser.find_elements(By.CSS_SELECTOR, ".columns th")[3]
    column = """
    return [...document.querySelector(".columns tbody").rows].map((row) => row.cells[3].textContent)
    """
    before = browser.execute_script(column)
    sizes = sorted(float(text.split()[0].replace(",", "")) for text in before)
    for order, direction in ((sizes, "ascending"), (sizes[::-1], "descending")):
        title.find_element(By.TAG_NAME, "button").click()
        found = [float(text.split()[0].replace(",", "")) for text in browser.execute_script(column)]
        assert found == order
        assert title.get_attribute("aria-sort") == direction
    assert not errors(browser)


def test_no_button_uploads_a_chart(pages, browser):
    show(browser, pages.figure("training"))
    titles = browser.execute_script(
        "return [...document.querySelectorAll('.modebar-btn')].map((b) => b.dataset.title)"
    )
    assert titles
    assert not [title for title in titles if "Share" in title or "Cloud" in title]
