"""The page of example explanations: its table against the dense influence, its pictures."""

import base64
import re
from io import BytesIO

import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr
from PIL import Image

from explaind.config.load import load_config
from explaind.errors import ConfigError, StoreError
from explaind.experiments.drawing import draw_page
from explaind.kernel.collectors.strongest import top_samples
from explaind.paths import Paths
from explaind.store import open_sealed, write_store
from tests.report.synthetic import SyntheticRun, write_run
from tests.workflow.project import REPOSITORY

CASE = SyntheticRun(p=5, all_outputs=True, components=("conv<1>", "linear"))
NAMES = ["cat", "dog", *"34567"]
SHOWN = (0, 2)


def config(**keys):
    experiments = {"examples": {"samples": list(SHOWN), "shown": 2, **keys}}
    return load_config(REPOSITORY / "config" / "config.yaml", {"experiments": experiments})


def write_top(paths, by_component=True):
    """The influence store of the synthetic run with the slices `top` and `top_component`."""
    dense = write_run(paths, "digits", CASE)
    arrays = {}
    sources = {"": "influence", "_by_component": "influence_by_component"}
    for ending, name in sources.items():
        if ending and not by_component:
            continue
        found = top_samples(torch.from_numpy(dense[name].values), 3)
        dims = (*dense[name].dims[:-1], "rank")
        arrays |= {key + ending: (dims, values.numpy()) for key, values in found.items()}
    labelled = dense.assign_coords(output=[str(k) for k in range(dense.sizes["output"])])
    dataset = labelled.assign(arrays).drop_vars(list(sources.values()))
    described = {name: array.assign_attrs(units="1") for name, array in dataset.items()}
    write_store(
        paths.influence("digits"), dataset.assign(described), {"stage": "accumulate_kernel"}
    )
    return dense


def write_images(paths, dense, dims=("channel", "row", "column"), shape=(1, 3, 3)):
    random = np.random.default_rng(1)
    sizes = {"train": dense.sizes["train"], "validation": dense.sizes["test"]}
    arrays = {}
    for part, size in sizes.items():
        x = random.integers(0, 256, (size, *shape), dtype=np.uint8)
        arrays[f"x_{part}"] = ((part, *dims), x, {"units": "1"})
        arrays[f"y_{part}"] = ((part,), np.arange(size) % 2, {"units": "1"})
    dataset = xr.Dataset(arrays)
    write_store(paths.dataset("digits"), dataset, {"class_names": NAMES})
    return dataset


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    paths = Paths(tmp_path_factory.mktemp("project"))
    dense = write_top(paths)
    images = write_images(paths, dense)
    draw_page(config(), paths, "examples")
    return paths, dense, images


@pytest.mark.parametrize("component", ["all components", "conv<1>", "linear"])
def test_table_holds_the_ends_of_the_sorted_influence(page, component):
    paths, dense, _ = page
    table = pd.read_csv(paths.table("examples", "strongest"), dtype={"output": str})
    assert len(table) == len(SHOWN) * CASE.outputs * 3 * 2 * 2
    source = dense["influence"]
    if component != "all components":
        source = dense["influence_by_component"].sel(component=component)
    for position in SHOWN:
        sample = int(dense["test_index"][position])
        for output in range(CASE.outputs):
            rows = table[(table["sample"] == sample) & (table["output"] == str(output))]
            rows = rows[rows["component"] == component].set_index(["side", "rank"])
            values = source[position, output].to_numpy()
            order = np.argsort(values)
            for side, expected in (("harmful", order[:2]), ("helpful", order[::-1][:2])):
                assert rows.loc[side, "train"].tolist() == expected.tolist()
                np.testing.assert_allclose(rows.loc[side, "influence"], values[expected], rtol=1e-6)


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


def test_a_sample_that_was_not_explained_is_refused(page):
    paths, dense, _ = page
    with pytest.raises(
        ConfigError, match=r"experiments.examples.samples: expected numbers below 3"
    ):
        draw_page(config(samples=[3]), paths, "examples")
    assert dense.sizes["test"] == 3


def test_a_dataset_without_images_is_refused(tmp_path):
    paths = Paths(tmp_path)
    write_images(paths, write_top(paths), dims=("position",), shape=(2,))
    with pytest.raises(StoreError, match="holds no images"):
        draw_page(config(), paths, "examples")
