"""Gradients of the encoder's parameters, and the curvature of losses in the output."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from explaind.errors import ConfigError
from explaind.labelfree.loss_gradients import LossGradients, laplace_curvature, loss_curvature
from tests.labelfree.autoencoders import Autoencoder, inputs, squared_error


def test_gradients_are_those_of_the_encoder_in_evaluation_mode():
    """D12: dropout would draw, and the decoder is not what is explained."""
    model, x = Autoencoder(), inputs(3)
    model.encoder.insert(1, nn.Dropout(0.5))
    model.train()
    gradients = LossGradients(model, squared_error)
    found = gradients.all_at(gradients.theta, x, x)
    assert found.shape == (3, sum(p.numel() for p in model.encoder.parameters()))
    model.eval()
    for row in range(3):
        model.zero_grad()
        squared_error(model(x[row : row + 1]), x[row : row + 1]).sum().backward()
        expected = torch.cat([p.grad.flatten() for p in model.encoder.parameters()])
        torch.testing.assert_close(found[row], expected)


def test_an_unknown_encoder_is_refused():
    with pytest.raises(ConfigError, match=r"\['encoder', 'decoder'\], got 'bottleneck'"):
        LossGradients(Autoencoder(), squared_error, "bottleneck")


def cross_entropy(output, target):
    return functional.cross_entropy(output, target, reduction="none")


def test_curvature_of_a_cross_entropy_is_that_of_the_softmax():
    output, target = inputs(3), torch.tensor([0, 2, 4])
    tangent, p = inputs(3, seed=9), inputs(3).softmax(1)
    expected = p * tangent - p * (p * tangent).sum(1, keepdim=True)
    torch.testing.assert_close(loss_curvature(cross_entropy)(output, target, tangent), expected)


def test_curvature_of_an_absolute_error_is_the_fisher_information_of_its_likelihood():
    """exp(-|r| / 5) of each of 5 outputs: the mean square of its slope is 1 / 25."""
    torch.testing.assert_close(
        laplace_curvature(inputs(3), (), inputs(3, seed=9)), inputs(3, seed=9) / 25
    )
