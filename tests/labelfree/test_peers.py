"""Metrics of quantus beside those of this project: where they are the same, so are the numbers."""

import numpy as np
import pytest
import torch
from torch import nn

from explaind.labelfree.feature_importance import feature_importance, integrated_gradients
from explaind.labelfree.masking import importance_of_positions, representation_shift
from explaind.labelfree.units.overlap import UnitOverlap
from tests.labelfree.encoders import make
from tests.requirements import library

pytestmark = [
    pytest.mark.libraries,
    pytest.mark.filterwarnings("ignore"),  # of the library, about itself
]


@pytest.fixture(scope="module")
def quantus():
    """The library, whose import takes seconds."""
    return library("quantus")


class Shift(nn.Module):
    """How far each image of a batch has moved in an encoder, as the score of a class 0."""

    def __init__(self, encoder, x):
        super().__init__()
        self.encoder = encoder
        self.whole = encoder(x).detach()

    def forward(self, x):
        shift = (self.encoder(x) - self.whole).square().sum(1)
        return torch.stack([shift, torch.zeros_like(shift)], dim=1)


def test_the_masking_curve_is_pixel_flipping_of_the_shift(quantus):
    encoder, x = make("images")
    encoder, x = encoder.float().eval(), x.float()
    black = torch.zeros_like(x[:1])
    importance = feature_importance(integrated_gradients(), encoder, x, black)
    # black pixels have no importance: hiding them in another order is no difference
    step, pixels = 4, x[0].numel()
    fractions = [count / pixels for count in range(step, pixels + 1, step)]
    shifts = representation_shift(encoder, x, importance, black, fractions)
    flipping = quantus.PixelFlipping(
        features_in_step=step, normalise=False, perturb_baseline="black", disable_warnings=True
    )
    curves = flipping(
        model=Shift(encoder, x).eval(),
        x_batch=x.numpy(),
        y_batch=np.zeros(len(x), dtype=int),
        a_batch=importance_of_positions(importance).reshape(x.shape).numpy(),
        softmax=False,
    )
    assert float(shifts.max()) > 10 * float(shifts[0].min())
    np.testing.assert_allclose(np.transpose(curves), shifts, rtol=1e-4, atol=1e-6)


def test_the_entropy_of_units_at_a_pixel_is_their_complexity(quantus):
    maps = torch.rand(3, 5, 2, 2, generator=torch.Generator().manual_seed(0))  # image, unit
    overlap = UnitOverlap(units=5, pixels=12)
    overlap.add(maps)
    at_pixels = maps.permute(0, 2, 3, 1).reshape(12, 1, 5).numpy().astype(np.float64)
    complexity = quantus.Complexity(normalise=False, abs=True, disable_warnings=True)
    of_pixels = complexity(
        model=None, x_batch=at_pixels, y_batch=np.zeros(12, dtype=int), a_batch=at_pixels
    )
    assert overlap.metrics().entropy == pytest.approx(np.mean(of_pixels), rel=1e-6)
