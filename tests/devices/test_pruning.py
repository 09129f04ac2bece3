"""A network is pruned on its device."""

import pytest
import torch

from explaind.experiments.pruning.metrics import output_metrics, zero_fractions
from explaind.experiments.pruning.pruned_model import SCOPES, pruned_model
from tests.oracles.problems import vectors
from tests.oracles.smooth_models import Mlp


@pytest.mark.parametrize("scope", SCOPES)
def test_pruned_networks_equal_those_of_the_cpu(scope, traffic):
    model, (x, y) = Mlp().double(), vectors(6, 0)
    scores = {name: tensor.detach().abs() for name, tensor in model.named_parameters()}
    found = []
    for device in ("cpu", "sim"):
        there = {name: score.to(device) for name, score in scores.items()}
        pruned = pruned_model(model.to(device), there, 0.3, scope)
        with torch.no_grad():
            outputs = pruned(x.to(device))
        metrics = output_metrics(outputs, outputs, y.to(device))
        found.append({**metrics, **zero_fractions(pruned)})
    assert found[0] == found[1]
    assert found[0]["kept"] < 0.5
