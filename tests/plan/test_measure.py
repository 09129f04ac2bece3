"""What is measured of a forward pass."""

import torch
from torch import nn

from explaind.plan.measure import activation_bytes, forward_flops


def test_activations_and_operations_of_a_known_network():
    network = nn.Sequential(nn.Linear(5, 7), nn.ReLU(), nn.Linear(7, 3))
    x = torch.rand(2, 5)
    params = dict(network.named_parameters())
    # one sample: the input, the output of the first layer after ReLU (in place of before)
    assert activation_bytes(lambda n: network(x[:n].clone()), params) == 4 * (5 + 7)
    assert forward_flops(lambda n: network(x[:n])) == 2 * (5 * 7 + 7 * 3)
