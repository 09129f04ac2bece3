"""A device for the tests of this folder, and forward mode on it."""

import pytest
import torch

from explaind.kernel.query import derivative
from tests.devices.simulated import AVAILABLE, simulated_device
from tests.requirements import need


def jvp_by_reverse_mode(function, at, along):
    """The derivative along a direction: that of the vector-Jacobian product in its vector."""
    with torch.enable_grad():
        theta = at[0].detach().clone().requires_grad_(True)
        output = function(theta)
        vector = torch.zeros_like(output, requires_grad=True)
        (product,) = torch.autograd.grad(output, theta, vector, create_graph=True)
        (derivative,) = torch.autograd.grad(product, vector, along[0])
    return output.detach(), derivative.detach()


def one_by_one(function):
    """The function of every row, in place of `vmap`."""
    return lambda rows: torch.stack([function(row) for row in rows])


@pytest.fixture
def traffic(monkeypatch):
    """The simulated device `sim`, for the length of a test; what crosses is counted."""
    need(AVAILABLE, "a torch that makes backends in Python")
    # forward mode inside vmap does not know tensors that are dispatched in Python
    monkeypatch.setattr(derivative, "jvp", jvp_by_reverse_mode)
    monkeypatch.setattr(derivative, "vmap", one_by_one)
    with simulated_device() as counted:
        yield counted
