"""Maps over classes and samples."""

import base64

import numpy as np
import pytest

from explaind.report.plots import heatmap
from explaind.report.tables.classes import class_maps, difference_profile
from tests.report.synthetic import COMPONENTS, SyntheticRun, influence_dataset

CLASS = "(a + b) mod p"


@pytest.fixture
def influence():
    return influence_dataset(SyntheticRun(intervals=5), np.random.default_rng(0))


@pytest.fixture
def maps(influence):
    return class_maps(influence, 8)  # class 7 has no samples


def test_colour_scale_is_symmetric_and_robust(maps):
    figure = heatmap.class_map_figure(maps, CLASS, "nat")
    (trace,) = figure.data
    assert trace.zmin == -trace.zmax
    assert trace.colorscale[2] == (0.5, "#fbfbfa")
    np.testing.assert_allclose(trace.z, maps[0, 0], rtol=1e-6)


def test_one_outlier_does_not_set_the_limit():
    values = np.append(np.linspace(-1, 1, 1001), 1e6)
    assert heatmap.robust_limit(values) < 1.01
    assert heatmap.robust_limit(np.full(3, np.nan)) == 1.0
    assert heatmap.robust_limit(np.zeros(3)) == 1.0


def test_the_saturated_share_counts_known_cells_only():
    values = np.array([[1.0, -3.0, 2.0], [np.nan, 0.0, 2.5]])
    assert heatmap.saturated_share(values, 2.0) == 2 / 5
    assert heatmap.saturated_share(np.full(3, np.nan), 1.0) == 0
    drawn = np.random.default_rng(0).standard_normal(10_000)
    assert heatmap.saturated_share(drawn, heatmap.robust_limit(drawn)) == pytest.approx(0.03)


def test_axes_say_what_they_are(maps):
    figure = heatmap.class_map_figure(maps, CLASS, "nat")
    assert figure.layout.xaxis.title.text == "training samples: (a + b) mod p"
    assert figure.layout.yaxis.title.text == "validation samples: (a + b) mod p"
    bar = figure.data[0].colorbar
    assert bar.title.text == "mean influence (nat per pair, + = raised)"
    assert (bar.tickvals[0], bar.tickvals[-1]) == (figure.data[0].zmin, figure.data[0].zmax)
    assert bar.ticktext[0].startswith("≤ ")
    assert bar.ticktext[-1].startswith("≥ +")
    profile = heatmap.profile_figure(maps, "nat")
    np.testing.assert_allclose(profile.data[0].y, difference_profile(maps[0, 0]), rtol=1e-6)
    assert "nat per pair" in profile.layout.yaxis.title.text


def test_packed_maps_decode_to_the_maps(maps):
    data = heatmap.class_map_data(maps)
    packed = np.frombuffer(base64.b64decode(data["values"]), dtype="<i2").reshape(maps.shape)
    scale = np.array(data["scale"]).reshape(maps.shape[:2])[..., None, None]
    decoded = np.where(packed == data["missing"], np.nan, packed * scale)
    largest = np.nanmax(np.abs(maps), axis=(2, 3), keepdims=True)
    np.testing.assert_array_equal(np.isnan(decoded), np.isnan(maps))
    assert np.nanmax(np.abs(decoded - maps.to_numpy()) / largest) < 2e-5
    profiles = np.frombuffer(base64.b64decode(data["profiles"]), dtype="<f4")
    np.testing.assert_allclose(profiles, difference_profile(maps).to_numpy().reshape(-1), rtol=1e-6)


def test_labels_of_the_controls(maps):
    data = heatmap.class_map_data(maps)
    assert data["components"] == ["all components", *COMPONENTS]
    assert data["intervals"][:2] == ["whole run", "steps 0 to 11"]
    assert data["intervals"][-1] == "steps 48 to 59"
    assert data["bounds"][:2] == [[0, 60], [0, 12]]
    assert len(data["limit"]) == maps.shape[0] * maps.shape[1]
    limits = np.array(data["limit"]).reshape(maps.shape[:2])
    assert data["common_limit"] == limits[1:].max(axis=0).tolist()


def test_coarsening_adds_up_neighbours(maps):
    coarse = heatmap.coarsen_intervals(maps, maps.size - 1)
    assert coarse["start"].to_numpy().tolist() == [0, 0, 24, 48]
    assert coarse["stop"].to_numpy().tolist() == [60, 24, 48, 60]
    np.testing.assert_allclose(coarse[1], maps[1] + maps[2])
    np.testing.assert_allclose(coarse[3], maps[5])
    np.testing.assert_allclose(coarse[0], maps[0])
    assert heatmap.coarsen_intervals(maps, 1).sizes["interval"] == 2
    assert heatmap.coarsen_intervals(maps) is maps
