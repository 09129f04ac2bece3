"""Metrics of pruned networks by hand and against scipy."""

import numpy as np
import pytest
import torch
from scipy import special, stats
from torch import nn

from explaind.experiments.pruning.metrics import output_metrics, zero_fractions

UNPRUNED = torch.tensor([[2.0, 0.0, 1.0], [0.0, 3.0, 0.0], [1.0, 0.0, 0.5], [0.0, 0.0, 1.0]])
PRUNED = torch.tensor([[1.0, 0.0, 3.0], [0.0, 1.0, 0.0], [2.0, 0.0, 0.5], [0.0, 0.0, 1.0]])
TARGET = torch.tensor([2, 1, 1, 2])


@pytest.mark.parametrize("logits", [True, False])
def test_metrics(logits):
    """Three predictions are correct, three are those of the unpruned network."""
    output, unpruned = (x if logits else x.log_softmax(1) for x in (PRUNED, UNPRUNED))
    found = output_metrics(output, unpruned, TARGET)
    p, q = (special.softmax(x.numpy(), axis=1) for x in (UNPRUNED, PRUNED))
    per_sample = [stats.entropy(a, b) for a, b in zip(p, q, strict=True)]
    assert found["accuracy"] == 0.75
    assert found["agreement"] == 0.75
    assert found["kl"] == pytest.approx(np.mean(per_sample), rel=1e-6)
    assert found["kl"] > 0.1


def test_zeros_are_counted_by_tensor():
    model = nn.Linear(3, 2)
    with torch.no_grad():
        model.weight.copy_(torch.tensor([[1.0, 0.0, 0.0], [0.0, 2.0, 3.0]]))
        model.bias.copy_(torch.tensor([0.0, 1.0]))
    found = zero_fractions(model)
    assert found == {"kept": 0.5, "zeros_weight": 0.5, "zeros_bias": 0.5}
