"""A planted encoder that looks at two pixels only."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from explaind.experiments.feature_consistency.compute import compute
from explaind.experiments.feature_consistency.settings import FeatureConsistencySettings
from explaind.experiments.job import EncoderJob


class TwoPixels(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(16, 2, bias=False)
        self.linear.weight.data.zero_()
        self.linear.weight.data[0, 3] = self.linear.weight.data[1, 9] = 1

    def forward(self, x):
        return self.linear(x.flatten(1))


class Planted(EncoderJob):
    """A job whose two networks are the planted one."""

    baseline = torch.zeros(1, 1, 4, 4)
    replicates = range(2)

    def network(self, name, replicate):
        return SimpleNamespace(encoder=TwoPixels())


@pytest.fixture
def table():
    torch.manual_seed(0)
    x = 0.1 + torch.rand(5, 1, 4, 4)
    x[:, 0, 0, 3] = x[:, 0, 2, 1] = 0.05  # the darkest ones, so brightness misses them
    settings = FeatureConsistencySettings(
        encoders="mine", fractions=(1 / 8, 1 / 2), window=1, samples=4
    )
    job = object.__new__(Planted)
    vars(job).update(settings=settings, data=SimpleNamespace(x_validation=x))
    return compute(job)


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
