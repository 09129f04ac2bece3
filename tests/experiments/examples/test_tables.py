"""The strongest samples against the dense influence, and what cannot be shown."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from explaind.errors import ConfigError, StoreError
from explaind.experiments.drawing import draw_page
from explaind.experiments.examples.tables import prediction_table
from explaind.paths import Paths
from explaind.store import open_sealed
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
    assert len(table) == SHOWN * CASE.outputs * 3 * 2 * 2
    source = dense["influence"]
    if component != "all components":
        source = dense["influence_by_component"].sel(component=component)
    for sample in pd.unique(table["sample"]):
        position = dense["test_index"].to_numpy().tolist().index(sample)
        for output in range(CASE.outputs):
            rows = table[(table["sample"] == sample) & (table["output"] == str(output))]
            rows = rows[rows["component"] == component].set_index(["side", "rank"])
            values = source[position, output].to_numpy()
            order = np.argsort(values)
            for side, expected in (("harmful", order[:2]), ("helpful", order[::-1][:2])):
                assert rows.loc[side, "train"].tolist() == expected.tolist()
                np.testing.assert_allclose(rows.loc[side, "influence"], values[expected], rtol=1e-6)
                sums = [values[np.sign(values) == np.sign(values[row])].sum() for row in expected]
                shares = values[expected] / sums
                np.testing.assert_allclose(rows.loc[side, "share"], shares, rtol=1e-5)


def test_wrong_and_then_unsure_predictions_come_first():
    """The true classes have 0.5 (correct), 0.4 (wrong), 0.9 (correct) and 0.05 (wrong)."""
    probabilities = np.array([[0.5, 0.3, 0.2], [0.6, 0.4, 0], [0, 0.1, 0.9], [0.05, 0.95, 0]])
    with np.errstate(divide="ignore"):
        outputs = np.log(probabilities) + 3  # logits, up to a constant
    validation = xr.Dataset({"true": (("test", "class"), outputs[[3, 0, 2, 1]])})
    rows, target = [1, 3, 2, 0], [0, 1, 2, 0]  # of the samples above, among the validation ones
    influence = xr.Dataset({"test_index": ("test", rows), "test_target": ("test", target)})
    found = prediction_table(validation, influence)
    assert found["position"].tolist() == [3, 1, 0, 2]
    assert found["sample"].tolist() == [0, 3, 1, 2]
    assert found["correct"].tolist() == [False, False, True, True]
    np.testing.assert_allclose(found["target_probability"], [0.05, 0.4, 0.5, 0.9])
    np.testing.assert_allclose(found["predicted_probability"], [0.95, 0.6, 0.5, 0.9])


def test_page_shows_the_first_of_them(page):
    paths, dense, _ = page
    table = pd.read_csv(paths.table("examples", "predictions"))
    everything = prediction_table(open_sealed(paths.validation("digits")), dense)
    assert table["sample"].tolist() == everything["sample"].head(SHOWN).tolist()
    strongest = pd.read_csv(paths.table("examples", "strongest"))
    assert pd.unique(strongest["sample"]).tolist() == table["sample"].tolist()


def test_more_samples_than_were_explained_are_refused(page):
    paths, dense, _ = page
    with pytest.raises(ConfigError, match=r"experiments.examples.samples: expected at most 3"):
        draw_page(config(samples=4), paths, "examples")
    assert dense.sizes["test"] == 3


def test_a_dataset_without_images_is_refused(tmp_path):
    paths = Paths(tmp_path)
    write_images(paths, write_top(paths), dims=("position",), shape=(2,))
    with pytest.raises(StoreError, match="holds no images"):
        draw_page(config(), paths, "examples")
