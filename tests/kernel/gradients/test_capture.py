"""Which calls a layer rule knows, and which are left to the fallback."""

import pytest
import torch
from torch import nn

from explaind.kernel.functionals import all_outputs
from tests.kernel.layers import gradients_of, layer_models, layer_problem, layout_of


@pytest.mark.parametrize("name", layer_models())
def test_every_layer_is_recognised(name):
    model, layout, theta, x, y = layer_problem(name)
    captured = gradients_of(model, layout, all_outputs).capture(theta, x, y)
    assert captured.fallback == frozenset()


@pytest.mark.parametrize(
    "options", [{"padding_idx": 1}, {"max_norm": 1.0}, {"scale_grad_by_freq": True}], ids=str
)
def test_padded_and_scaled_embeddings_are_left_to_the_fallback(options):
    model = nn.Sequential(nn.Embedding(6, 4, **options), nn.Flatten())
    layout, theta = layout_of(model)
    tokens, targets = torch.zeros(2, 3, dtype=torch.int64), torch.zeros(2, dtype=torch.int64)
    captured = gradients_of(model, layout, all_outputs).capture(theta, tokens, targets)
    assert captured.fallback == {"0.weight"}
