"""The page of example explanations: its pictures and names."""

import base64
import re
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from explaind.experiments.drawing import draw_page
from explaind.paths import Paths
from explaind.store import open_sealed
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
    assert len(shown) == len(SHOWN) * (1 + CASE.outputs * 3 * 2 * 2)
    for code, what, row in shown:
        part = what.removesuffix("ing")
        pixels = np.asarray(Image.open(BytesIO(base64.b64decode(code))))
        np.testing.assert_array_equal(pixels, images[f"x_{part}"].values[int(row), 0])


def test_page_names_classes_predictions_and_layers(page):
    paths, dense, _ = page
    html = paths.figure("examples").read_text()
    sample = int(dense["test_index"][0])
    prediction = int(open_sealed(paths.validation("digits"))["true"][sample].argmax("class"))
    assert f"Validation image {sample}: {NAMES[sample % 2]}, predicted {NAMES[prediction]}" in html
    assert "Output for class dog" in html
    assert "through conv&lt;1&gt;" in html
    assert "conv<1>" not in html
    assert "image-rendering: pixelated" in html


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
