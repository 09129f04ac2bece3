"""Agreement of encoder and full model: heads for which it is known (test 7 of the acceptance)."""

import numpy as np
import pytest
import torch
from torch import nn

from explaind.experiments.feature_methods import importance_of
from explaind.labelfree.random_importance import GradientShap
from explaind.labelfree.units.map_agreement import image_correlations, predicted_class_importance
from tests.labelfree.units.test_maps import gradient_times_input


def network(outputs, inputs=12):
    return nn.Sequential(
        nn.Flatten(), nn.Linear(inputs, 6), nn.Tanh(), nn.Linear(6, outputs)
    ).eval()


def test_equals_the_correlation_over_what_counts():
    first, second = torch.rand(3, 1, 4, 4), torch.rand(3, 1, 4, 4)
    counted = torch.rand(3, 1, 4, 4) > 0.4
    found = image_correlations(first, second, counted)
    for number in range(3):
        own = [maps[number][counted[number]].numpy() for maps in (first, second)]
        assert float(found[number]) == pytest.approx(np.corrcoef(*own)[0, 1])


def test_a_constant_map_agrees_with_nothing():
    found = image_correlations(
        torch.ones(1, 4), torch.arange(4.0)[None], torch.ones(1, 4, dtype=torch.bool)
    )
    assert found.isnan().all()


def test_a_head_of_orthonormal_columns_changes_nothing():
    encoder, x = network(3), torch.rand(5, 12)
    head = nn.Linear(3, 7, bias=False)
    head.weight.data = torch.linalg.qr(torch.randn(7, 3))[0]
    maps = [
        gradient_times_input(model, x).abs() for model in (encoder, nn.Sequential(encoder, head))
    ]
    correlations = image_correlations(*maps, torch.ones_like(x, dtype=torch.bool))
    torch.testing.assert_close(correlations, torch.ones(5).double(), atol=1e-6, rtol=0)


def test_another_head_does():
    encoder, x = network(3), torch.rand(5, 12)
    model = nn.Sequential(encoder, nn.Linear(3, 7))
    maps = [gradient_times_input(part, x).abs() for part in (encoder, model)]
    assert (image_correlations(*maps, torch.ones_like(x, dtype=torch.bool)) < 0.999).all()


def test_the_logit_of_the_predicted_class_is_explained():
    model, x = network(3), torch.rand(6, 12)
    found = predicted_class_importance(model, x, gradient_times_input)
    for number, row in enumerate(x):
        leaf = row[None].clone().requires_grad_()
        logit = model(leaf).max()
        (gradient,) = torch.autograd.grad(logit, leaf)
        torch.testing.assert_close(found[number], (logit.detach() * gradient * leaf)[0].detach())


def test_the_draws_of_a_sample_are_its_own_whatever_class_the_others_are_of():
    """D1: the others of its class were before it, and took the numbers that it should draw."""
    model, x = network(3).double(), torch.rand(6, 12, dtype=torch.float64)
    importance = importance_of(GradientShap(3), torch.zeros_like(x[:1]))
    others = -9 * x
    others[5] = x[5]
    classes = [model(part).argmax(1) for part in (x, others)]
    assert (classes[0] == classes[0][5]).sum() != (classes[1] == classes[1][5]).sum()
    rows = [predicted_class_importance(model, part, importance)[5] for part in (x, others)]
    torch.testing.assert_close(*rows, rtol=1e-12, atol=0)
