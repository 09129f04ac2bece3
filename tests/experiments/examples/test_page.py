"""The page of example explanations: its pictures and names."""

import base64
import json
import re
from html import unescape
from io import BytesIO

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from explaind.experiments.drawing import draw_page
from explaind.paths import Paths
from explaind.report.text import percent
from tests.experiments.examples.stores import CASE, NAMES, SHOWN, config, write_images, write_top
from tests.report.synthetic import write_run


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    paths = Paths(tmp_path_factory.mktemp("project"))
    dense = write_top(paths)
    images = write_images(paths, dense)
    draw_page(config(), paths, "examples")
    return paths, dense, images


def test_pictures_are_those_of_the_dataset(page):
    paths, _, images = page
    html = paths.figure("examples").read_text()
    shown = re.findall(r'src="data:image/png;base64,([^"]+)" alt="(\w+) image (\d+)"', html)
    assert len(shown) == SHOWN * (1 + CASE.outputs * 3 * 2 * 2)
    for code, what, row in shown:
        part = what.removesuffix("ing")
        pixels = np.asarray(Image.open(BytesIO(base64.b64decode(code))))
        np.testing.assert_array_equal(pixels, images[f"x_{part}"].values[int(row), 0])


def test_page_names_classes_probabilities_and_layers(page):
    paths, _, _ = page
    html = paths.figure("examples").read_text()
    first = pd.read_csv(paths.table("examples", "predictions")).iloc[0]
    sample, target, predicted = (int(first[key]) for key in ("sample", "target", "predicted"))
    how = "correctly" if first["correct"] else "wrongly"
    title = f"Validation image {sample}: {NAMES[target]}, {how} predicted as {NAMES[predicted]}"
    assert f"{title} ({percent(first['predicted_probability'])})" in html
    assert "Output for class dog" in html
    assert '<option value="conv&lt;1&gt;">through conv&lt;1&gt;</option>' in html
    assert "conv<1>" not in html
    assert "image-rendering: pixelated" in html


def test_only_the_total_is_shown_until_a_layer_is_chosen(page):
    html = page[0].figure("examples").read_text()
    shown = re.findall(r'data-shown-for="([^"]+)"( hidden)?>', html)
    components = [json.loads(unescape(values))["component"] for values, _ in shown]
    assert components == ["all components", "conv<1>", "linear"] * SHOWN
    assert [bool(hidden) for _, hidden in shown] == [False, True, True] * SHOWN


def test_page_without_plots_does_not_load_the_plotting_library(page):
    assert "plotly.min.js" not in page[0].figure("examples").read_text()


def test_without_all_influences_the_page_names_the_key_and_no_shares(tmp_path):
    paths = Paths(tmp_path)
    write_images(paths, write_top(paths, dense_too=False))
    draw_page(config(), paths, "examples")
    html = paths.figure("examples").read_text()
    assert "Add <code>influence</code> to <code>runs.digits.epk.keep</code>" in html
    assert "of what pushed it" not in html


def test_without_components_the_page_names_the_key(tmp_path):
    paths = Paths(tmp_path)
    write_images(paths, write_top(paths, by_component=False))
    draw_page(config(), paths, "examples")
    html = paths.figure("examples").read_text()
    assert "Add <code>top_component</code> to <code>runs.digits.epk.keep</code>" in html
    assert "pushed it up most" in html


def test_without_top_samples_the_page_names_the_key(tmp_path):
    paths = Paths(tmp_path)
    write_run(paths, "digits", CASE)
    draw_page(config(), paths, "examples")
    assert "Add <code>top</code> to" in paths.figure("examples").read_text()
