"""ResNet-9 against a literal transcription of the paper's, layer by layer."""

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

from explaind.config.load import load_config
from explaind.config.model import ResNet9Model
from explaind.errors import ConfigError
from explaind.models.registry import build_model, components_of
from explaind.models.resnet9 import ResNet9


def block(inputs, outputs, size=3, stride=1, padding=1):
    convolution = nn.Conv2d(inputs, outputs, size, stride=stride, padding=padding, bias=False)
    return nn.Sequential(convolution, nn.ReLU())


class Add(nn.Module):
    def __init__(self, module):
        super().__init__()
        self.module = module

    def forward(self, x):
        return x + self.module(x)


def literal(classes):
    """As published, 64 channels wide."""
    return nn.Sequential(
        block(3, 64),
        block(64, 128, size=5, stride=2, padding=2),
        Add(nn.Sequential(block(128, 128), block(128, 128))),
        block(128, 256),
        nn.MaxPool2d(2),
        Add(nn.Sequential(block(256, 256), block(256, 256))),
        block(256, 128, padding=0),
        nn.AdaptiveMaxPool2d((1, 1)),
        nn.Flatten(),
        nn.Linear(128, classes, bias=False),
        nn.LogSoftmax(dim=1),
    )


def test_equals_the_literal_transcription():
    model, expected = ResNet9(3, 2, 64, log_softmax=True), literal(2)
    with torch.no_grad():
        for ours, theirs in zip(model.parameters(), expected.parameters(), strict=True):
            theirs.copy_(ours)
    x = torch.randn(3, 3, 32, 32)
    assert torch.allclose(model(x), expected(x), atol=1e-6)


@pytest.mark.parametrize(("classes", "count"), [(2, 2_271_168), (10, 2_272_192)])
def test_parameter_count_of_the_paper(classes, count):
    model = build_model(ResNet9Model(), classes, (3, 32, 32))
    assert sum(p.numel() for p in model.parameters()) == count


def test_every_parameter_has_a_component_of_its_own():
    model = ResNet9(1, 2, 2, log_softmax=True)
    components = components_of(model)
    assert set(components) == {name for name, _ in model.named_parameters()}
    assert len(set(components.values())) == 9


def test_without_log_softmax_outputs_are_logits():
    log, raw = (
        build_model(ResNet9Model(width=2, log_softmax=flag), 3, (1, 12, 12))
        for flag in (True, False)
    )
    x = torch.randn(4, 1, 12, 12)
    assert not torch.allclose(raw(x).exp().sum(1), torch.ones(4))
    assert torch.allclose(log(x), F.log_softmax(raw(x), 1), atol=1e-6)


def test_the_smallest_image_is_the_smallest_that_passes():
    side = ResNet9.smallest_side
    model = build_model(ResNet9Model(width=1), 2, (1, side, side))
    assert model(torch.randn(2, 1, side, side)).shape == (2, 2)
    with pytest.raises(RuntimeError):
        model(torch.randn(2, 1, side - 1, side - 1))


def test_a_model_that_does_not_fit_the_dataset_is_refused():
    run = {"model": {"kind": "resnet9"}}
    with pytest.raises(ConfigError, match=r"runs.grokking.model.kind: expected a model of tokens"):
        load_config({"runs": {"grokking": run}})
    with pytest.raises(ConfigError, match=r"expected a model of images .*got transformer"):
        load_config({"datasets": {"modulo": {"kind": "digits"}}})


def test_nll_of_logits_is_refused():
    run = {"model": {"kind": "resnet9", "log_softmax": False}}
    images = {
        "datasets": {"modulo": {"kind": "digits"}},
        "runs": {"grokking": run},
    }
    with pytest.raises(ConfigError, match=r"training.loss: expected cross_entropy for a model"):
        load_config(images)
    run["training"] = {"loss": "cross_entropy"}
    assert load_config(images).runs["grokking"].training.loss == "cross_entropy"
