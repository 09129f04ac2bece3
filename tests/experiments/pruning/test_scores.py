"""Scores of a linear model, whose averaged gradient is the input itself, worked out by hand."""

import numpy as np
import pytest
import torch
from torch import nn

import explaind
from explaind.experiments.pruning.scores import (
    influence_scores,
    magnitude_scores,
    random_scores,
    taylor_scores,
)
from tests.kernel.engine import loader

RATE, DECAY = 0.1, 0.3
X = torch.tensor([[1.0, -2.0], [0.5, 1.0], [-1.0, 0.25]], dtype=torch.float64)
Y = torch.tensor([[1.0, 0.0, 2.0], [0.0, 1.0, -1.0], [1.0, 1.0, 0.0]], dtype=torch.float64)


def squared(output, target):
    return (output - target).square().sum(-1)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The kernel of three SGD steps with L2 decay, and the data motion of every step by hand."""
    torch.manual_seed(0)
    model = nn.Linear(2, 3, bias=False).double()
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE, weight_decay=DECAY)
    store = tmp_path_factory.mktemp("linear") / "run.zarr"
    motions = []
    with explaind.record(model, optimizer, squared, store) as recorder:
        for batch in recorder.batches(loader((X, Y), [[0, 1], [2, 0], [1, 2]])):
            weight = model.weight.detach().clone()
            error = batch.x @ weight.T - batch.y
            motions.append(-RATE * 2 * error.T @ batch.x / len(batch.x))
            optimizer.zero_grad()
            squared(model(batch.x), batch.y).mean().backward()
            optimizer.step()
    return explaind.PathKernel(store, model, squared, (X, Y)), model, torch.stack(motions)


QUERIES = torch.tensor([[2.0, 1.0], [-1.0, 3.0], [0.5, -0.5]], dtype=torch.float64)


@pytest.mark.parametrize("block", [1, 2, 64])
def test_influence_of_a_linear_model_by_hand(trained, block):
    """Parameter (o, i) acts on output o alone: its part of a step is x_i times its data motion."""
    kernel, _, motions = trained
    scored = [np.array([0, 2]), np.array([1])]
    found = influence_scores(kernel, QUERIES, torch.zeros(3, 3), scored, block)
    for split, rows in enumerate(scored):
        size = QUERIES[rows].abs().sum(0)
        net, absolute = motions.sum(0).abs() * size, motions.abs().sum(0) * size
        assert torch.allclose(found["influence"][split], net.flatten(), rtol=1e-9)
        assert torch.allclose(found["influence per step"][split], absolute.flatten(), rtol=1e-9)
    assert not torch.allclose(found["influence"], found["influence per step"], rtol=0.1)


def test_influence_is_the_parameter_slice_of_all_outputs(trained):
    kernel, _, _ = trained
    targets = torch.zeros(3, 3, dtype=torch.float64)
    stored = kernel.explain(QUERIES, targets, outputs="all", keep=["parameter"], intervals=2)
    found = kernel.parameter_influence(QUERIES, targets)
    np.testing.assert_allclose(found["net"], stored["parameter_data"].sum("interval"), atol=1e-12)


@pytest.mark.parametrize("block", [2, 64])
def test_taylor_score_by_hand(trained, block):
    kernel, model, _ = trained
    weight = model.weight.detach()
    gradient = 2 * (X @ weight.T - Y).T @ X / 3
    found = taylor_scores(model, kernel.history.layout, squared, X, Y, block)
    assert torch.allclose(found, (gradient * weight).abs().flatten())


def test_magnitude_and_random_scores(trained):
    kernel, model, _ = trained
    layout = kernel.history.layout
    assert torch.equal(magnitude_scores(model, layout), model.weight.detach().abs().flatten())
    first, again, other = (random_scores(layout, seed) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert first.shape == (6,)
