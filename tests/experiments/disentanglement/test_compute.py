"""The experiment on units of variational autoencoders, on small ones."""

import numpy as np
import pytest

from explaind.errors import ConfigError
from explaind.experiments.disentanglement.compute import METRICS, compute
from explaind.experiments.disentanglement.tables import MODEL, named
from explaind.experiments.feature_methods import feature_method, importance_of
from explaind.labelfree.units.maps import unit_maps
from tests.experiments.small_encoders import job_of, trained

SETTINGS = {"kind": "disentanglement", "method": "integrated_gradients", "steps": 4, "shown": 3}


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("vaes"), "vae", "tc_vae")


@pytest.fixture(scope="module")
def job(paths, tmp_path_factory):
    scratch = tmp_path_factory.mktemp("scratch")
    return job_of(paths, scratch, **SETTINGS, encoders=["vae", "tc_vae"], images=10, block=4)


@pytest.fixture(scope="module")
def store(job):
    return compute(job)


def test_every_replicate_is_a_model_with_its_loss_and_beta(store):
    store = named(store)
    columns = [store[name].to_numpy().tolist() for name in MODEL]
    assert list(zip(*columns, strict=True)) == [
        ("vae", 0, "beta-VAE", 1),
        ("vae", 1, "beta-VAE", 1),
        ("tc_vae", 0, "TC-VAE", 5),
    ]


def test_correlation_equals_that_of_all_maps_at_once(store, job):
    encoder, images = job.network("tc_vae", 0).encoder, job.data.x_validation[:10]
    maps = unit_maps(
        encoder,
        3,
        images,
        importance_of(feature_method("integrated_gradients", 0, steps=4), images[:1] * 0),
    )
    dense = np.corrcoef(maps.transpose(0, 1).flatten(1).double())
    expected = dense[~np.eye(3, dtype=bool)].mean()
    assert float(store["pearson"].sel(scope="all")[2]) == pytest.approx(expected, abs=1e-6)
    np.testing.assert_allclose(store["maps"][2], maps[:3], rtol=1e-4, atol=1e-7)


def test_units_that_a_model_lacks_are_nan_and_not_active(store):
    assert store["kl"].isnull().sum("unit").to_numpy().tolist() == [1, 1, 0]
    assert not store["active"].where(store["kl"].isnull(), False).any()
    limit = store.attrs["limit"]
    assert (store["active"] == (store["kl"] > limit)).all()


def test_everything_is_described(store):
    assert set(METRICS) < set(store.data_vars)
    assert all(store[name].attrs["units"] for name in store.data_vars)


def test_twice_is_the_same(store, job):
    assert store.identical(compute(job))


def test_images_at_once_change_rounding_only(paths, tmp_path):
    """With the method of the paper, which draws for every image: `block` reruns nothing."""
    settings = SETTINGS | {"method": "gradient_shap", "encoders": ["tc_vae"], "images": 10}
    pieces, whole = (compute(job_of(paths, tmp_path, **settings, block=n)) for n in (3, 100))
    np.testing.assert_allclose(pieces["maps"], whole["maps"], rtol=1e-4, atol=1e-8)
    np.testing.assert_allclose(pieces["pearson"], whole["pearson"], rtol=1e-6)


def test_other_encoders_are_refused(paths, tmp_path):
    job = job_of(paths, tmp_path, **SETTINGS, encoders=["classifier"])
    with pytest.raises(ConfigError, match="kind vae, got 'classifier'"):
        compute(job)
