"""Expected gradients and the controls."""

import pytest
import torch
from torch import nn

from explaind.labelfree.feature_importance import feature_importance, integrated_gradients
from explaind.labelfree.masking import most_important
from explaind.labelfree.random_importance import Brightest, GradientShap, Random, RandomLit
from tests.labelfree.encoders import make


@pytest.mark.parametrize("kind", ["images", "rows"])
def test_gradient_shap_with_many_points_is_integrated_gradients(kind):
    encoder, x = make(kind)
    drawn = feature_importance(GradientShap(400), encoder, x, torch.full_like(x[:1], 0.1))
    integral = feature_importance(
        integrated_gradients(200), encoder, x, torch.full_like(x[:1], 0.1)
    )
    assert (drawn - integral).abs().max() < 0.2 * integral.abs().max()


def test_controls_hide_what_is_lit():
    x = torch.tensor([[0.0, 0.2, 0.9, 0.0, 0.5]])
    black, encoder = torch.zeros(1, 5), nn.Identity()
    assert most_important(feature_importance(Brightest(), encoder, x, black), 0.4).tolist() == [
        [False, False, True, False, True]
    ]
    lit = most_important(feature_importance(RandomLit(), encoder, x, black), 0.6)
    assert lit.tolist() == [[False, True, True, False, True]]
    first = feature_importance(Random(seed=1), encoder, x, black)
    assert not torch.equal(first, feature_importance(Random(seed=2), encoder, x, black))
