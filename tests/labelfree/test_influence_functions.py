"""Influence functions: closed forms, what is solved for, and what is refused."""

import numpy as np
import pytest
import torch
from torch import nn

from explaind.errors import UnsupportedError
from explaind.kernel.attributor import Attributor
from explaind.labelfree.influence_functions import (
    InfluenceFunctions,
    conjugate_gradients,
    largest_eigenvalue,
)
from explaind.labelfree.loss_gradients import laplace_curvature, loss_curvature
from tests.labelfree.autoencoders import Autoencoder, absolute_error, inputs, squared_error


class Regression(nn.Module):
    """A linear map, which is the encoder, and nothing behind it."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.encoder = nn.Linear(5, 2, bias=False).double()

    def forward(self, x):
        return self.encoder(x)


def test_linear_regression_is_its_closed_form():
    model, x, test = Regression(), inputs(40), inputs(3, seed=5)
    y, y_test = x[:, :2].sin(), test[:, :2].cos()
    method = InfluenceFunctions(
        model, squared_error, (x, y), loss_curvature(squared_error), damping=1e-6, tolerance=1e-6
    )
    weight = model.encoder.weight.detach()

    def gradients(x, y):  # of mean over 2 outputs of (W x - y)^2
        return torch.einsum("so,si->soi", x @ weight.T - y, x).flatten(1)

    hessian = torch.kron(torch.eye(2).double(), x.T @ x / len(x))
    expected = gradients(test, y_test) @ torch.linalg.solve(hessian, gradients(x, y).T)
    np.testing.assert_allclose(method.scores(test, y_test), expected, rtol=1e-3, atol=1e-5)
    assert isinstance(method, Attributor)


def dense_curvature(model, x, curvature):
    """J^T H J by rows of the Jacobian, one output of one sample at a time."""
    own = list(model.encoder.parameters())
    rows = []
    for sample in x:
        output = model(sample[None])[0]
        rows.append(
            torch.stack(
                [
                    torch.cat([g.flatten() for g in torch.autograd.grad(o, own, retain_graph=True)])
                    for o in output
                ]
            )
        )
    return sum(j.T @ (curvature * j) for j in rows) / len(x)


@pytest.mark.parametrize(
    ("loss_fn", "curvature", "size"),
    [
        (squared_error, loss_curvature(squared_error), 2 / 5),
        (absolute_error, laplace_curvature, 1 / 25),
    ],
)
def test_scores_are_those_of_the_dense_curvature(loss_fn, curvature, size):
    model, x, test = Autoencoder(), inputs(70), inputs(3, seed=5)  # more samples than a block
    method = InfluenceFunctions(model, loss_fn, (x, x), curvature, damping=0.1, tolerance=1e-10)
    dense = dense_curvature(model, x, size)
    vectors = torch.eye(len(dense)).double()
    torch.testing.assert_close(method.curvature_product(vectors), dense)
    largest = float(torch.linalg.eigvalsh(dense)[-1])
    damped = dense + 0.1 * largest_eigenvalue(lambda v: v @ dense, vectors) * vectors
    assert 0.98 * largest < largest_eigenvalue(lambda v: v @ dense, vectors) <= 1.001 * largest
    gradients = {n: method.raw_gradients(s, s) for n, s in {"train": x, "test": test}.items()}
    expected = gradients["test"] @ torch.linalg.solve(damped, gradients["train"].T)
    np.testing.assert_allclose(method.scores(test, test), expected, rtol=1e-5, atol=1e-10)


def test_what_is_reported_is_so():
    """D8: after the published recursion the vector was still the raw gradient."""
    model, x = Autoencoder(), inputs(30)
    method = InfluenceFunctions(
        model, squared_error, (x, x), loss_curvature(squared_error), damping=1e-3
    )
    gradients = method.raw_gradients(x[:4], x[:4])
    solution = method.solve(gradients)
    assert solution.residual.max() < 1e-3
    assert solution.steps > 3
    cosine = torch.cosine_similarity(solution.vectors, gradients)
    assert cosine.max() < 0.9
    assert cosine.min() > 0  # the inverse is positive definite


def test_a_sample_is_solved_for_as_if_it_were_alone():
    """However many fit into the memory, and whatever steps the others take."""
    model, x, test = Autoencoder(), inputs(30), inputs(5, seed=5)
    test[3:] *= 50  # with other numbers of steps
    few, many = (
        InfluenceFunctions(
            model, squared_error, (x, x), loss_curvature(squared_error), damping=0.1, memory=memory
        ).influences(test, test)
        for memory in (1, 2**28)
    )
    np.testing.assert_allclose(few.scores, many.scores, rtol=1e-9)
    np.testing.assert_allclose(few.residual, many.residual, rtol=1e-5)
    assert few.steps == many.steps


def test_a_solver_that_does_not_converge_is_refused():
    matrix = torch.diag(torch.logspace(0, 6, 20).double())
    vectors = torch.ones(2, 20).double()
    with pytest.raises(UnsupportedError, match="in 5 steps, got"):
        conjugate_gradients(lambda v: v @ matrix, vectors, 1e-6, 5)
    solution = conjugate_gradients(lambda v: v @ matrix, vectors, 1e-6, 200)
    torch.testing.assert_close(solution.vectors @ matrix, vectors, rtol=1e-5, atol=1e-5)


def test_an_absolute_error_is_not_curved():
    model, x = Autoencoder(), inputs(5)
    method = InfluenceFunctions(model, absolute_error, (x, x), loss_curvature(absolute_error))
    with pytest.raises(UnsupportedError, match="laplace_curvature"):
        method.scores(x[:1], x[:1])
