"""A planted encoder that looks at two pixels only."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from explaind.errors import ConfigError
from explaind.experiments.feature_consistency.compute import compute
from explaind.experiments.feature_consistency.settings import FeatureConsistencySettings
from explaind.experiments.job import EncoderJob
from explaind.labelfree.blur import gaussian_blur
from tests.experiments import small_encoders


class TwoPixels(nn.Module):
    def __init__(self, pixels):
        super().__init__()
        self.linear = nn.Linear(pixels, 2, bias=False)
        self.linear.weight.data.zero_()
        self.linear.weight.data[0, 3] = self.linear.weight.data[1, 9] = 1

    def forward(self, x):
        return self.linear(x.flatten(1))


class Planted(EncoderJob):
    """A job whose two networks are the planted one."""

    baseline = torch.zeros(1, 1, 4, 4)
    replicates = range(2)

    def network(self, name, replicate):
        return SimpleNamespace(encoder=TwoPixels(self.data.x_validation[0].numel()))


def job_of(x, **settings):
    """A job on the first four inputs."""
    settings = FeatureConsistencySettings(encoders="mine", window=1, samples=4, **settings)
    job = object.__new__(Planted)
    vars(job).update(name="mine", settings=settings, data=SimpleNamespace(x_validation=x))
    return job


@pytest.fixture
def table():
    torch.manual_seed(0)
    x = 0.1 + torch.rand(5, 1, 4, 4)
    x[:, 0, 0, 3] = x[:, 0, 2, 1] = 0.05  # the darkest ones, so brightness misses them
    return compute(job_of(x, fractions=(1 / 8, 1 / 2)))


def test_methods_find_the_pixels_and_controls_do_not(table):
    assert set(table["encoder"]) == {"mine"}
    assert set(table["replicate"]) == {0, 1}
    few = table[table["fraction"] == 1 / 8].groupby("method")["normalised"].mean()
    for method in ("integrated_gradients", "gradient_shap", "saliency", "occlusion"):
        assert few[method] == pytest.approx(1)
    assert few["brightest"] == 0
    assert few["random"] < 0.6
    assert few["random_lit"] < 0.6


def test_everything_hidden_is_the_same_for_all(table):
    ends = table[table["fraction"] == 1]
    np.testing.assert_allclose(ends["shift"], 2 * 0.05**2, rtol=1e-5)
    np.testing.assert_allclose(ends["normalised"], 1)


def test_an_image_is_hidden_by_its_own_blur():
    torch.manual_seed(0)
    x = torch.rand(4, 1, 12, 12)
    table = compute(job_of(x, baseline="blurred", methods=("saliency",)))
    blurred = gaussian_blur(x)
    moved = (x - blurred)[:, 0].flatten(1)[:, [3, 9]].square().sum(1)  # of the two pixels
    ends = table[table["fraction"] == 1]
    np.testing.assert_allclose(ends["shift"], float(moved.mean()), rtol=1e-5)


def test_small_images_cannot_be_blurred():
    with pytest.raises(
        ConfigError, match=r"mine\.baseline: expected images of more than 10 pixels"
    ):
        compute(job_of(torch.rand(4, 1, 4, 4), baseline="blurred"))


def test_series_are_hidden_by_the_mean_normal_one(tmp_path):
    job = small_encoders.job_of(
        small_encoders.trained(tmp_path, "series"),
        tmp_path / "scratch",
        kind="feature_consistency",
        encoders="series",
        methods=["integrated_gradients", "random"],
        fractions=[0.2, 0.5],
        steps=4,
        window=2,
        samples=4,
    )
    normal = job.data.x_train[job.data.y_train == 0]
    torch.testing.assert_close(job.baseline, normal.mean(0, keepdim=True))
    table = compute(job)
    assert (table["shift"] > 0).all()
    ends = table[table["fraction"] == 1]
    np.testing.assert_allclose(ends["shift"], ends["shift"].iloc[0])
