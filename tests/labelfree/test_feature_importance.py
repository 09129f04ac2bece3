"""Every method on every kind of input: pairing, independence of samples, invariance, sums."""

import copy

import pytest
import torch
from captum.attr import FeatureAblation, InputXGradient
from torch import nn

from explaind.errors import PlanError, UnsupportedError
from explaind.labelfree.feature_importance import (
    Captum,
    RescaleRule,
    feature_importance,
    integrated_gradients,
    occlusion,
    saliency,
)
from explaind.labelfree.random_importance import Brightest, GradientShap, Random, RandomLit
from tests.labelfree.encoders import ENCODERS, LastState, make

METHODS = {
    "input_x_gradient": Captum(InputXGradient, baselines=False),
    "feature_ablation": Captum(FeatureAblation),
    "gradient_shap": GradientShap(3),
    "integrated_gradients": integrated_gradients(20),
    "saliency": saliency(),
    "deep_lift": RescaleRule(),
    "random": Random(),
    "random_lit": RandomLit(),
    "brightest": Brightest(),
}
OCCLUSION = {"images": occlusion((1, 2, 2)), "series": occlusion((3, 1)), "rows": occlusion((1,))}
CASES = [
    (kind, name)
    for kind in ENCODERS
    for name in [*METHODS, "occlusion"]
    if (kind, name) != ("series", "deep_lift")
]


def method_of(kind, name):
    return OCCLUSION[kind] if name == "occlusion" else METHODS[name]


def baseline_of(x):
    return torch.full_like(x[:1], 0.1)


def auxiliary(encoder, x, z):
    with torch.no_grad():
        return (encoder(x) * encoder(z)).flatten(1).sum(1)


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_a_sample_is_attributed_as_if_it_were_alone(kind, name):
    """D1, D6, D7, D18, D42: with other samples beside it, and in batches of any size."""
    encoder, x = make(kind)
    method = method_of(kind, name)
    together = feature_importance(method, encoder, x, baseline_of(x))
    others = torch.cat([x[:3], 5 * x[3:]])
    beside = feature_importance(method, encoder, others, baseline_of(x))
    torch.testing.assert_close(together[:3], beside[:3], rtol=1e-9, atol=1e-12)
    alone = feature_importance(method, encoder, x[2:3], baseline_of(x), numbers=[2])
    torch.testing.assert_close(together[2:3], alone, rtol=1e-9, atol=1e-12)


def test_gradient_shap_compares_every_sample_with_its_own_baseline():
    """D18: captum draws one of all baselines for each sample."""
    encoder, x = make("images")
    own = 0.5 * x + 0.1 * torch.rand(len(x), 1, 1, 1).double()
    drawn, others = (
        feature_importance(GradientShap(300), encoder, x, b) for b in (own, own.roll(3, 0))
    )
    exact = feature_importance(integrated_gradients(100), encoder, x, own)
    size = exact.flatten(1).norm(dim=1)
    assert ((drawn - exact).flatten(1).norm(dim=1) < 0.1 * size).all()
    assert ((others - exact).flatten(1).norm(dim=1) > 0.5 * size).all()


@pytest.mark.parametrize("name", ["integrated_gradients", "deep_lift", "occlusion", "brightest"])
def test_every_sample_is_compared_with_its_own_baseline(name):
    """D18: the published code took that of another sample."""
    encoder, x = make("images")
    method, own = method_of("images", name), 0.5 * x + 0.1
    together = feature_importance(method, encoder, x, own)
    alone = [feature_importance(method, encoder, x[k : k + 1], own[k : k + 1]) for k in range(7)]
    torch.testing.assert_close(together, torch.cat(alone), rtol=1e-9, atol=1e-12)
    others = feature_importance(method, encoder, x, own.flip(0))
    assert not torch.allclose(together, others)


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_memory_changes_nothing(kind, name, monkeypatch):
    encoder, x = make(kind)
    method = method_of(kind, name)
    together = feature_importance(method, encoder, x, baseline_of(x))
    monkeypatch.setattr("explaind.labelfree.feature_importance.rows_within", lambda *_: 2)
    pairs = feature_importance(method, encoder, x, baseline_of(x))
    torch.testing.assert_close(together, pairs, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_an_orthogonal_map_of_the_representation_changes_nothing(kind, name):
    encoder, x = make(kind)
    rotation = nn.Linear(3, 3, bias=False).double()
    rotation.weight.data = torch.linalg.qr(torch.randn(3, 3, dtype=torch.float64))[0]
    method, baseline = method_of(kind, name), baseline_of(x)
    plain = feature_importance(method, encoder, x, baseline)
    rotated = feature_importance(method, nn.Sequential(encoder, rotation), x, baseline)
    torch.testing.assert_close(plain, rotated, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("kind", ENCODERS)
def test_integrated_gradients_add_up(kind):
    encoder, x = make(kind)
    baseline = baseline_of(x)
    importance = feature_importance(integrated_gradients(200), encoder, x, baseline)
    encoder.eval()
    change = auxiliary(encoder, x, x) - auxiliary(encoder, x, baseline.expand_as(x))
    error = (importance.flatten(1).sum(1) - change).abs() / change.abs()
    assert error.median() < 0.01
    assert error.quantile(0.95) < 0.05


@pytest.mark.parametrize("kind", ["images", "rows"])
def test_deep_lift_adds_up(kind):
    encoder, x = make(kind)
    importance = feature_importance(RescaleRule(), encoder, x, baseline_of(x))
    encoder.eval()
    change = auxiliary(encoder, x, x) - auxiliary(encoder, x, baseline_of(x).expand_as(x))
    torch.testing.assert_close(importance.flatten(1).sum(1), change)


def test_deep_lift_of_functions_that_captum_does_not_see_is_refused():
    class Hidden(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(5, 3).double()

        def forward(self, x):
            return self.linear(x).exp()

    with pytest.raises(UnsupportedError, match="miss their sum by"):
        feature_importance(RescaleRule(), Hidden(), make("rows")[1], torch.zeros(1, 5).double())


@pytest.mark.parametrize("kind", ENCODERS)
def test_saliency_is_the_gradient_of_the_auxiliary_function(kind):
    encoder, x = make(kind)
    importance = feature_importance(saliency(), encoder, x, baseline_of(x))
    encoder.eval()
    for row in range(len(x)):
        z = x[row : row + 1].clone().requires_grad_(True)
        value = (encoder(x[row : row + 1]).detach() * encoder(z)).sum()
        expected = torch.autograd.grad(value, z)[0].abs()
        torch.testing.assert_close(importance[row : row + 1], expected)


def test_one_unit_gives_the_ordinary_attribution_times_its_value():
    torch.manual_seed(0)
    encoder, x = nn.Linear(5, 1, bias=False).double(), make("rows")[1]
    importance = feature_importance(integrated_gradients(), encoder, x, torch.zeros(1, 5).double())
    torch.testing.assert_close(importance, encoder(x).detach() * x * encoder.weight.detach())


def test_the_encoder_keeps_its_mode_and_its_gradients():
    encoder, x = make("images")
    encoder.train()
    encoder[0].eval()
    before = copy.deepcopy(encoder.state_dict())
    feature_importance(GradientShap(), encoder, x, baseline_of(x))
    assert encoder.training
    assert not encoder[0].training
    assert all(parameter.grad is None for parameter in encoder.parameters())
    for name, tensor in encoder.state_dict().items():
        torch.testing.assert_close(tensor, before[name])  # running averages do not drift (D6)


def test_series_are_attributed_in_evaluation_mode():
    """D6 of the LSTM: the published code attributed it in training mode."""
    seen = []
    encoder, x = LastState().double(), make("series")[1]
    encoder.register_forward_hook(lambda module, *_: seen.append(module.training))
    feature_importance(saliency(), encoder, x, baseline_of(x))
    assert seen
    assert not any(seen)


def test_a_sample_that_does_not_fit_is_refused():
    encoder, x = make("images")
    with pytest.raises(PlanError, match=r"one sample, [\d,]+ bytes in 50 pass\(es\), got 9,000"):
        feature_importance(integrated_gradients(), encoder, x, baseline_of(x), memory=9000)
