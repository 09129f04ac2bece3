"""The strongest samples against the dense influence, and what cannot be shown."""

import numpy as np
import pandas as pd
import pytest

from explaind.errors import ConfigError, StoreError
from explaind.experiments.drawing import draw_page
from explaind.paths import Paths
from tests.experiments.examples.stores import CASE, SHOWN, config, write_images, write_top


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
