"""Models are built as the config names them."""

import pytest
import torch
from torch import nn

from explaind.config.model import ResNet9Model, TransformerModel
from explaind.errors import ConfigError
from explaind.models.registry import build_model, components_of
from explaind.models.transformer import Transformer


def test_seed_decides_the_initial_parameters_and_leaves_the_global_generator_alone():
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    first, again, other = (
        build_model(TransformerModel(width=8, heads=2, mlp_width=8, seed=s), 9, (4,))
        for s in (3, 3, 4)
    )
    assert torch.equal(torch.rand(3), expected)
    assert torch.equal(first.linear1.weight, again.linear1.weight)
    assert not torch.equal(first.linear1.weight, other.linear1.weight)


def test_embedding_std_is_that_of_the_config():
    settings = TransformerModel(width=64, heads=2, mlp_width=8, embedding_std=0.125)
    model = build_model(settings, 500, (4,))
    assert model.embedding.weight.std().item() == pytest.approx(0.125, rel=0.05)


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 32, 10), (4,)])
def test_an_image_that_is_too_small_is_refused(shape):
    with pytest.raises(ConfigError, match=r"at least 11 x 11 pixels, got inputs of shape .*resize"):
        build_model(ResNet9Model(), 2, shape)


def test_a_model_is_built_for_evaluation():
    assert not build_model(TransformerModel(width=8, heads=2, mlp_width=8), 9, (4,)).training
    assert not build_model(ResNet9Model(width=1), 2, (3, 16, 16)).training


def test_a_model_without_named_components_has_none():
    assert components_of(nn.Linear(2, 2)) == {}
    components = components_of(Transformer(9, 8, 2, 8))
    assert components["encoders.weight"] == "QKV projection"
    components.clear()
    assert components_of(Transformer(9, 8, 2, 8))
