"""The maps of similar samples follow their controls."""

import numpy as np
import pytest

from explaind.experiments.drawing import draw_page
from explaind.report.html import write_plotly_js
from tests.experiments.similarity.made import project

CHANGE = """
const control = document.getElementById(arguments[0]);
if (control.type === "range") { control.value = arguments[1]; }
else { control.selectedIndex = arguments[1]; }
control.dispatchEvent(new Event(control.type === "range" ? "input" : "change"));
"""
SHOWN = """
const trace = document.getElementById(arguments[0]).data[0];
return {x: [...trace.x], y: [...trace.y], z: [...trace.z].map((row) => [...row])};
"""
TITLES = """
const layout = document.getElementById(arguments[0]).layout;
return [layout.xaxis.title.text, layout.yaxis.title.text];
"""


@pytest.fixture
def opened(browser, tmp_path):
    config, paths = project(tmp_path)
    write_plotly_js(paths)
    draw_page(config, paths, "similarity")
    browser.get(paths.figure("similarity").resolve().as_uri())
    return browser


def test_samples_are_sorted_and_maps_exchanged_as_chosen(opened):
    def shown(plot="cosines-validation"):
        return opened.execute_script(SHOWN, plot)

    def number(name):
        return int(name.split(" + ")[0])

    first = shown()
    assert first["x"] == first["y"]
    np.testing.assert_allclose(np.diag(first["z"]), 1)
    opened.execute_script(CHANGE, "cosine-order", 2)  # by a
    found = shown()
    assert [number(name) for name in found["y"]] == sorted(map(number, first["y"]))
    places = [first["y"].index(name) for name in found["y"]]
    np.testing.assert_array_equal(found["z"], np.array(first["z"])[np.ix_(places, places)])
    opened.execute_script(CHANGE, "cosine-component", 2)
    assert shown()["z"] != found["z"]
    train = shown("cosines-training")
    assert (len(train["y"]), len(train["x"])) == (9, 10)
    order = "sorted by a, the larger number"
    for split in ("validation", "training"):
        titles = opened.execute_script(TITLES, f"cosines-{split}")
        assert titles == [f"{split} samples, {order}", f"validation samples, {order}"]
    opened.execute_script(CHANGE, "cosine-interval", 2)
    label = opened.execute_script(
        "return document.getElementById('cosine-interval-label').textContent"
    )
    assert label == "steps 20 to 39"
    assert [entry for entry in opened.get_log("browser") if entry["level"] == "SEVERE"] == []
