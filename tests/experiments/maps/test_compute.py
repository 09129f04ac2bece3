"""Points of samples, from inner products alone."""

import numpy as np
import pytest

from explaind.errors import UnsupportedError
from explaind.experiments.job import Job
from explaind.experiments.maps import compute as module
from explaind.experiments.maps.compute import compute, principal_components, umap_points
from explaind.experiments.maps.settings import MapsSettings
from tests.experiments.similarity.made import project

SETTINGS = MapsSettings(run="grokking", neighbours=3)
ANGLES = np.repeat(np.arange(4), 4) * np.pi / 2
CIRCLE = np.stack([np.cos(ANGLES), np.sin(ANGLES), 0 * ANGLES], axis=1)


def test_principal_components_are_those_of_the_vectors():
    vectors = np.random.default_rng(0).standard_normal((9, 30)) @ np.diag(np.arange(30))
    points, share = principal_components(vectors @ vectors.T)
    centred = vectors - vectors.mean(0)
    left, sizes, _ = np.linalg.svd(centred, full_matrices=False)
    expected = left[:, :3] * sizes[:3]
    np.testing.assert_allclose(np.abs(points), np.abs(expected), rtol=1e-9, atol=1e-9)
    assert share == pytest.approx((sizes[:3] ** 2).sum() / (sizes**2).sum())
    assert (points[np.abs(points).argmax(0), range(3)] > 0).all()


def test_every_sample_has_a_place_in_every_map(tmp_path, monkeypatch):
    """E24: the published map of all components raised."""
    seen = []

    def placed(cosine, start, settings, case):
        seen.append((case, settings.neighbours))
        np.testing.assert_allclose(np.diag(cosine), 1)
        return 2 * start

    monkeypatch.setattr(module, "umap_points", placed)
    config, paths = project(tmp_path, validation=7, train=5)
    table = compute(Job("maps", config.experiments["maps"], config, paths, paths.results))
    assert len(seen) == 2 * 3
    assert seen[0] == ("output_sum, all components", 5)
    by_method = table.set_index(["method", "functional", "component", "sample"]).sort_index()
    assert len(by_method) == 2 * 2 * 3 * 12
    xyz = by_method[["x", "y", "z"]]
    np.testing.assert_allclose(xyz.loc["UMAP"], 2 * xyz.loc["PCA"])
    assert by_method.loc["UMAP", "share"].isna().all()
    planted = by_method.loc[("PCA", "output_sum", "second")]  # vectors on a circle
    assert planted["share"].to_numpy() == pytest.approx(1)
    assert np.abs(planted["z"]).max() < 1e-3 < np.abs(planted["y"]).max()


def test_umap_keeps_neighbours_together_and_is_seeded(monkeypatch):
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")  # compiling takes longer than these few samples
    noise = CIRCLE + 0.01 * np.random.default_rng(0).standard_normal(CIRCLE.shape)
    unit = noise / np.linalg.norm(noise, axis=1)[:, np.newaxis]
    points = umap_points(unit @ unit.T, noise, SETTINGS, "")
    same = np.equal.outer(ANGLES, ANGLES)
    distances = np.linalg.norm(points[:, np.newaxis] - points, axis=-1)
    assert distances[same].max() < distances[~same].min()
    np.testing.assert_array_equal(umap_points(unit @ unit.T, noise, SETTINGS, ""), points)


def test_a_sample_without_influence_is_refused():
    cosine = np.eye(4)
    cosine[1] = np.nan
    with pytest.raises(UnsupportedError, match="decoder: expected every sample to be influenced"):
        umap_points(cosine, np.zeros((4, 3)), SETTINGS, "decoder")
