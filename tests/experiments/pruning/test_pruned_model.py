"""Pruned copies: which parameters are left, how many, and that the original is left alone."""

import pytest
import torch
from torch import nn
from torch.nn.utils import prune

from explaind.errors import ConfigError
from explaind.experiments.pruning.pruned_model import prunable, pruned_model


def network():
    torch.manual_seed(3)
    return nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 3, bias=False))


def weights(model):
    return {name: parameter.detach().clone() for name, parameter in model.named_parameters()}


def test_global_scope_keeps_the_largest_scores_of_all():
    model = network()
    scores = {
        "0.weight": torch.arange(20.0).reshape(4, 5).T.contiguous(),
        "0.bias": torch.full((5,), 18.5),
    }
    found = weights(pruned_model(model, scores, 0.24, "global"))  # 6 of 25
    expected = {"0.weight": scores["0.weight"] > 18.7, "0.bias": torch.ones(5, dtype=torch.bool)}
    for name, kept in expected.items():
        assert torch.equal(found[name], weights(model)[name] * kept)
    assert torch.equal(found["2.weight"], weights(model)["2.weight"])  # has no score: excluded


def test_layer_scope_keeps_the_largest_of_each_tensor():
    model = network()
    scores = {
        name: tensor.abs() + 10 * k for k, (name, tensor) in enumerate(weights(model).items())
    }
    found = weights(pruned_model(model, scores, 0.4, "layer"))
    for name, tensor in weights(model).items():
        count = round(0.4 * tensor.numel())
        threshold = tensor.abs().flatten().sort(descending=True).values[count - 1]
        assert torch.equal(found[name], tensor * (tensor.abs() >= threshold))


@pytest.mark.parametrize("scope", ["global", "layer"])
@pytest.mark.parametrize("keep", [0.04, 0.5, 1.0])
def test_fraction_is_exact_where_all_scores_are_equal(scope, keep):
    model = network()
    scores = {name: torch.ones_like(tensor) for name, tensor in weights(model).items()}
    found = weights(pruned_model(model, scores, keep, scope))
    kept = [int((tensor != 0).sum()) for tensor in found.values()]
    if scope == "global":
        assert sum(kept) == round(keep * 40)
    else:
        assert kept == [round(keep * tensor.numel()) for tensor in found.values()]


def test_magnitude_is_torchs_own_pruning():
    model, other = network(), network()
    scores = {name: tensor.abs() for name, tensor in weights(model).items()}
    found = weights(pruned_model(model, scores, 0.3, "global"))
    places = [(other[0], "weight"), (other[0], "bias"), (other[2], "weight")]
    prune.global_unstructured(places, prune.L1Unstructured, amount=0.7)
    assert torch.equal(found["0.weight"], other[0].weight)
    assert torch.equal(found["0.bias"], other[0].bias)
    assert torch.equal(found["2.weight"], other[2].weight)


def test_the_original_is_not_changed():
    model = network()
    before = weights(model)
    pruned_model(model, {"0.weight": torch.rand(5, 4)}, 0.1, "layer")
    assert list(before) == list(weights(model))
    assert all(torch.equal(before[name], tensor) for name, tensor in weights(model).items())


def test_excluded_tensors_must_exist_and_leave_some():
    assert prunable(["a", "b"], ["b"], "k") == ["a"]
    with pytest.raises(
        ConfigError, match=r"k: expected names of trained tensors \(a, b\), got 'c'"
    ):
        prunable(["a", "b"], ["c"], "k")
    with pytest.raises(ConfigError, match="at least one tensor to prune"):
        prunable(["a"], ["a"], "k")
