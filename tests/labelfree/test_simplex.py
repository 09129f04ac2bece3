"""SimplEx: converged, unique, and never better than it can be."""

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from torch import nn

from explaind.errors import UnsupportedError
from explaind.kernel.attributor import Attributor
from explaind.labelfree import simplex
from explaind.labelfree.simplex import SimplEx, most_even_mixture


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).double()


def test_weights_are_those_of_a_general_solver():
    train, test = normal(8, 2), torch.cat([0.3 * normal(3, 2, seed=1), 9 * normal(1, 2, seed=2)])
    found = most_even_mixture(test, train, 0.05).numpy()
    for row, target in zip(found, test.numpy(), strict=True):

        def objective(weights, target=target):
            entropy = (weights * np.log(8 * np.maximum(weights, 1e-300))).sum()
            return ((target - weights @ train.numpy()) ** 2).sum() / 2 + 0.05 * entropy

        best = minimize(
            objective,
            np.full(8, 1 / 8),
            bounds=[(0, 1)] * 8,
            constraints={"type": "eq", "fun": lambda weights: weights.sum() - 1},
            options={"ftol": 1e-14, "maxiter": 500},
        )
        np.testing.assert_allclose(row, best.x, atol=1e-4)
        assert objective(row) <= best.fun + 1e-9


def test_a_representation_within_the_hull_is_mixed_almost_exactly():
    x = normal(50, 3)
    method = SimplEx(nn.Identity(), x)
    assert isinstance(method, Attributor)
    inside = method.mixtures(0.5 * x[:5])
    assert inside.residual.max() < 1e-3
    np.testing.assert_allclose(inside.weights.sum(1), 1)
    assert (inside.weights > 0).all()
    outside = method.mixtures(20 * x[:5])
    assert outside.residual.min() > 10  # and the solver converges there, too


def test_residuals_fall_with_evenness():
    x = normal(50, 3)
    residuals = [SimplEx(nn.Identity(), x, e).mixtures(0.5 * x[:5]).residual for e in (1e-1, 1e-3)]
    assert (residuals[1] < residuals[0]).all()


def test_a_sample_is_mixed_as_if_it_were_alone():
    """D25: the published code gave rows of an unfinished batch a score of 0."""
    x, test = normal(50, 3), normal(7, 3, seed=1)
    together = SimplEx(nn.Identity(), x).scores(test)
    alone = SimplEx(nn.Identity(), x).scores(test[-1:])
    np.testing.assert_allclose(together[-1:], alone, rtol=1e-9)
    pieces = SimplEx(nn.Identity(), x, memory=10_000).scores(test)
    np.testing.assert_allclose(together, pieces, rtol=1e-9)


def test_units_and_scales_do_not_matter():
    x, test = normal(20, 3), 0.5 * normal(4, 3, seed=1)
    rotation = torch.linalg.qr(normal(3, 3, seed=2))[0]
    moved = SimplEx(nn.Identity(), 7 * x @ rotation + 3).scores(7 * test @ rotation + 3)
    np.testing.assert_allclose(moved, SimplEx(nn.Identity(), x).scores(test), rtol=1e-4, atol=1e-9)


def test_what_does_not_converge_is_refused(monkeypatch):
    monkeypatch.setattr(simplex, "MOST_STEPS", 1)
    with pytest.raises(UnsupportedError, match="larger evenness"):
        SimplEx(nn.Identity(), normal(20, 3)).scores(normal(4, 3, seed=1))
