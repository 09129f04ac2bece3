"""Scores of a linear model by hand: its averaged gradient is the input itself."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

import explaind
from explaind.data.load import LoadedDataset
from explaind.experiments.label_noise.scores import explained_scores, final_scores
from explaind.kernel.query.quadrature import Quadrature
from tests.kernel.engine import loader

RATE = 0.1
X = torch.tensor([[1.0, -2.0], [0.5, 1.0], [-1.0, 0.25], [2.0, 2.0]], dtype=torch.float64)
Y = torch.tensor([0, 1, 1, 0])
HELD_OUT = torch.tensor([[2.0, 1.0], [-1.0, 3.0], [0.5, -0.5]], dtype=torch.float64)
TARGETS = torch.tensor([1, 0, 1])
BATCHES = [[0, 1], [2, 3], [1, 2]]


def chosen_output(output, target):
    """A loss whose gradient does not depend on the parameters: minus the output of the target."""
    return -output.gather(1, target[:, None])[:, 0]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    torch.manual_seed(0)
    model = nn.Linear(2, 2, bias=False).double()
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE)
    store = tmp_path_factory.mktemp("linear") / "run.zarr"
    points = [model.weight.detach().clone()]
    with explaind.record(model, optimizer, chosen_output, store) as recorder:
        for batch in recorder.batches(loader((X, Y), BATCHES)):
            optimizer.zero_grad()
            chosen_output(model(batch.x), batch.y).mean().backward()
            optimizer.step()
            points.append(model.weight.detach().clone())
    quadrature = Quadrature(rule="gauss_legendre", tolerance=1e-9)
    kernel = explaind.PathKernel(store, model, chosen_output, (X, Y), quadrature=quadrature)
    return kernel, model, points


def influence_by_hand(points, x, y):
    """`[query, train]`: every step moves row y_i of the weight along x_i, fine midpoint rule."""
    found = torch.zeros(len(y), len(Y), dtype=torch.float64)
    for batch, (start, end) in zip(BATCHES, pairwise(points), strict=True):
        for node in (torch.arange(400) + 0.5) / 400:
            probability = (x @ (start + node * (end - start)).T).softmax(1)
            slope = torch.nn.functional.one_hot(y, 2) - probability  # of the log-probability
            for i in batch:
                moved = RATE / len(batch) * (x @ X[i]) / 400
                found[:, i] += slope[:, Y[i]] * moved
    return found.numpy()


@pytest.mark.parametrize("block", [1, 2, 64])
@pytest.mark.parametrize("held_out", [2, None])
def test_influence_on_itself_and_on_held_out_samples(trained, block, held_out):
    kernel, _, points = trained
    data = LoadedDataset(X, Y, HELD_OUT, TARGETS, 2, "")
    ranked = np.array([0, 2, 3])
    found = explained_scores(kernel, data, ranked, held_out, block)
    own = influence_by_hand(points, X, Y)
    others = influence_by_hand(points, HELD_OUT[:held_out], TARGETS[:held_out]).sum(0)
    np.testing.assert_allclose(found["self_influence"], np.diag(own)[ranked], rtol=1e-5)
    np.testing.assert_allclose(found["held_out_influence"], others[ranked], rtol=1e-5)
    assert (found["self_influence"] > 0).all()  # a step raises the output of its own sample


def squared(output, target):
    return (output - target[:, None]).square().sum(1)


@pytest.mark.parametrize("block", [1, 3, 64])
def test_loss_and_gradient_norm_by_hand(trained, block):
    kernel, model, _ = trained
    found = final_scores(model, kernel.history.layout, squared, (X, Y), block)
    error = X @ model.weight.detach().T - Y[:, None]
    np.testing.assert_allclose(found["loss"], error.square().sum(1), rtol=1e-9)
    norm = 2 * error.norm(dim=1) * X.norm(dim=1)  # of the outer product of error and input
    np.testing.assert_allclose(found["gradient_norm"], norm, rtol=1e-9)
