"""Cosines between samples."""

import numpy as np
import xarray as xr

from explaind.experiments.similarity.cosines import component_grams, cosines, interval_names
from tests.experiments.similarity.made import similarity_store

STORE, _ = similarity_store()


def test_components_add_up_their_tensors():
    """E24: there is a map of all components."""
    grams = component_grams(STORE)
    assert grams["component"].values.tolist() == ["all components", "first", "second"]
    whole = STORE["gram"].astype(float)
    expected = {"all components": [0, 1, 2], "first": [0, 1], "second": [2]}
    for component, tensors in expected.items():
        found = grams.isel(interval=0).sel(component=component)
        np.testing.assert_allclose(found, whole.isel(tensor=tensors).sum("tensor"))
    names = ["whole run", "steps 0 to 19", "steps 20 to 39", "steps 40 to 59"]
    assert interval_names(grams) == names


def test_single_tensors_are_told_apart():
    """E24: of the components that have several; `second` is its only tensor."""
    grams = component_grams(STORE, tensors=True)
    tensors = {"first.weight": 0, "first.bias": 1}
    assert grams["component"].values.tolist() == ["all components", "first", "second", *tensors]
    for name, tensor in tensors.items():
        found = grams.sel(component=name)
        np.testing.assert_array_equal(found[0], STORE["gram"].isel(tensor=tensor))
        np.testing.assert_array_equal(found[1:], STORE["gram_by_interval"].isel(tensor=tensor))
    xr.testing.assert_equal(grams[:, :, :3], component_grams(STORE))


def test_maps_are_symmetric_with_unit_diagonal_and_those_of_the_vectors():
    vectors = np.random.default_rng(1).standard_normal((6, 40))
    gram = component_grams(STORE)[0, 0, 0, :6, :6].copy(data=vectors @ vectors.T)
    found = cosines(gram).values
    unit = vectors / np.linalg.norm(vectors, axis=1)[:, np.newaxis]
    np.testing.assert_allclose(found, unit @ unit.T, atol=1e-14)
    np.testing.assert_array_equal(found, found.T)
    np.testing.assert_allclose(np.diag(found), 1, atol=1e-15)


def test_a_vector_of_zeros_has_no_direction():
    gram = component_grams(STORE)[0, 0, 0, :2, :2].copy(data=np.diag([4.0, 0.0]))
    np.testing.assert_array_equal(cosines(gram).values, [[1, np.nan], [np.nan, np.nan]])
