"""The label-free path kernel: complete, equal to an oracle in float64, of any pair."""

import numpy as np
import pytest
import torch

from explaind.errors import ConfigError
from explaind.kernel.attributor import Attributor
from explaind.labelfree.path_kernel import LabelFreePathKernel
from tests.labelfree.autoencoders import STEPS, Autoencoder, inputs, record, squared_error

NODES, WEIGHTS = np.polynomial.legendre.leggauss(40)


def encoded(theta, x):
    return torch.func.functional_call(Autoencoder().encoder, theta, x)


def gradient(function, theta):
    leaves = {name: value.clone().requires_grad_(True) for name, value in theta.items()}
    grads = torch.autograd.grad(function(leaves), list(leaves.values()), allow_unused=True)
    return {
        name: torch.zeros_like(leaf) if g is None else g
        for (name, leaf), g in zip(leaves.items(), grads, strict=True)
    }


def oracle(history, batches, x, pairs):
    """Influence by a dense midpoint of every step, forward in time: momentum sample by sample."""
    model = Autoencoder()
    influence = np.zeros((len(pairs), len(x)))
    velocity = [None] * len(x)  # momentum buffer owed to each sample
    for step in range(STEPS):
        theta, after = (
            {n: p.double() for n, p in history.layout.unflatten(history.theta(s)).items()}
            for s in (step, step + 1)
        )
        for sample in range(len(x)):
            own = {name: torch.zeros_like(value) for name, value in theta.items()}
            if sample in batches[step]:

                def loss(leaves, row=x[sample : sample + 1]):
                    return squared_error(torch.func.functional_call(model, leaves, row), row).sum()

                own = {name: g / 4 for name, g in gradient(loss, theta).items()}
            old = velocity[sample]
            velocity[sample] = (
                own if old is None else {name: 0.5 * old[name] + own[name] for name in own}
            )
        rate = 0.1 / (1 + step)
        for number, (first, second) in enumerate(pairs):

            def similarity(leaves, first=first, second=second):
                own = {n.removeprefix("encoder."): p for n, p in leaves.items() if "enc" in n}
                return (encoded(own, first[None]) * encoded(own, second[None])).sum()

            averaged = {name: torch.zeros_like(value) for name, value in theta.items()}
            for node, weight in zip((NODES + 1) / 2, WEIGHTS / 2, strict=True):
                at = {n: theta[n] + node * (after[n] - theta[n]) for n in theta}
                for name, g in gradient(similarity, at).items():
                    averaged[name] += weight * g
            for sample in range(len(x)):
                influence[number, sample] -= rate * sum(
                    float((averaged[n] * velocity[sample][n]).sum()) for n in theta
                )
    return influence


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    return record(tmp_path_factory.mktemp("history") / "run.zarr")


@pytest.mark.parametrize("paired", [False, True])
def test_influence_is_that_of_the_oracle_and_complete(recorded, paired):
    model, kernel, batches = recorded
    test, others = inputs(3, seed=5), inputs(3, seed=6)
    method = LabelFreePathKernel(kernel)
    explained = method.explain(test, others if paired else None, keep=("influence",))
    pairs = list(zip(test, others if paired else test, strict=True))
    expected = oracle(kernel.history, batches, inputs(), pairs)
    np.testing.assert_allclose(explained["influence"][:, 0], expected, rtol=1e-6, atol=1e-9)
    with torch.no_grad():
        value = (model.encoder(test) * model.encoder(others if paired else test)).sum(1)
    np.testing.assert_allclose(explained["final_output"][:, 0], value, rtol=1e-9)
    residual = explained["residual"].to_numpy() / np.abs(expected).sum(1, keepdims=True)
    assert np.abs(residual).max() < 5e-4
    assert explained.attrs["completeness_error"] < 5e-4


def test_it_is_a_method_among_others(recorded):
    _, kernel, _ = recorded
    test = inputs(3, seed=5)
    method = LabelFreePathKernel(kernel)
    assert isinstance(method, Attributor)
    expected = method.explain(test, keep=("influence",))["influence"][:, 0]
    np.testing.assert_allclose(method.scores(test), expected, rtol=1e-12)


def test_the_decoder_has_no_influence_of_its_own(recorded):
    _, kernel, _ = recorded
    explained = LabelFreePathKernel(kernel).explain(
        inputs(2, seed=5), keep=("influence_by_component",)
    )
    by_component = explained["influence_by_component"]
    assert float(np.abs(by_component.sel(component="decoder")).max()) == 0
    assert float(np.abs(by_component.sel(component="encoder.0")).max()) > 1e-4


def test_relu_is_followed_as_well(tmp_path):
    _, kernel, batches = record(tmp_path / "run.zarr", smooth=False)
    explained = LabelFreePathKernel(kernel).explain(inputs(3, seed=5), keep=("influence",))
    sizes = np.abs(explained["influence"][:, 0]).sum("train").to_numpy()
    assert (np.abs(explained["residual"][:, 0].to_numpy()) < 5e-4 * sizes).all()
    assert len(batches) == STEPS


def test_inputs_of_outputs_of_the_whole_model_are_still_checked(recorded):
    _, kernel, _ = recorded
    with pytest.raises(ConfigError, match="inputs like those trained on"):
        kernel.explain((inputs(2), inputs(2)), outputs="all")
