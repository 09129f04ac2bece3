"""Explanations as datasets: outputs at both ends, and how they were computed."""

import numpy as np
import torch
from torch.func import functional_call
from torch.optim import SGD

import explaind
from explaind.kernel.explained import end_values
from explaind.kernel.functionals import find_functional
from tests.kernel.engine import SMOOTH, record
from tests.oracles.problems import TRAIN_SAMPLES, Problem

PROBLEM = Problem("ends", lambda model: SGD(model.parameters(), lr=0.1), steps=5)


def test_ends_are_outputs_of_the_first_and_the_last_network(tmp_path):
    model = record(PROBLEM, tmp_path / "run.zarr")
    kernel = explaind.PathKernel(
        tmp_path / "run.zarr", model, PROBLEM.loss_fn, PROBLEM.train_data(), quadrature=SMOOTH
    )
    x, y = PROBLEM.test_data()
    history = kernel.history
    expected = {
        name: functional_call(model, history.layout.unflatten(history.theta(step)), (x,))
        for name, step in (("initial_output", 0), ("final_output", 5))
    }
    queries = kernel._queries.of_functional(find_functional("all", PROBLEM.loss_fn), x, y, block=4)
    with torch.no_grad():
        found = end_values(history, queries)
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values.detach(), rtol=1e-12)

    explained = kernel.explain(x, y, "all", keep=())
    np.testing.assert_array_equal(explained["final_output"], found["final_output"])
    told = {"quadrature_rule": "gauss_legendre", "train_samples": TRAIN_SAMPLES}
    told |= {"functional": "all", "computed_device": "cpu", "precision": "float64"}
    assert told.items() <= explained.attrs.items()
