"""The label-free path kernel: complete, equal to an oracle in float64, of any pair."""

import numpy as np
import pytest
import torch

from explaind.errors import ConfigError
from explaind.kernel.attributor import Attributor
from explaind.labelfree.path_kernel import LabelFreePathKernel
from tests.labelfree.autoencoders import STEPS, Autoencoder, inputs, record, squared_error

NODES, WEIGHTS = np.polynomial.legendre.leggauss(8)
MODEL = Autoencoder()


def gradient(function, theta):
    at = theta.clone().requires_grad_(True)
    return torch.autograd.grad(function(at), at)[0]


def momentum_of_samples(history, batches, x):
    """What every step has of the gradient of each sample: momentum, sample by sample."""
    velocity = torch.zeros(len(x), history.layout.size, dtype=torch.float64)
    for step, batch in enumerate(batches):
        velocity = 0.5 * velocity
        for sample in batch:
            row = x[sample : sample + 1]

            def loss(theta, row=row):
                output = torch.func.functional_call(MODEL, history.layout.unflatten(theta), row)
                return squared_error(output, row).sum()

            velocity[sample] += gradient(loss, history.theta(step)) / len(batch)
        yield step, velocity


def oracle(history, batches, x, pairs):
    """Influence by quadrature along every step, forward in time."""
    influence = torch.zeros(len(pairs), len(x), dtype=torch.float64)
    for step, velocity in momentum_of_samples(history, batches, x):
        start, move = history.theta(step), history.theta(step + 1) - history.theta(step)
        for number, pair in enumerate(pairs):

            def similarity(theta, both=pair):
                tensors = history.layout.unflatten(theta).items()
                own = {n.removeprefix("encoder."): t for n, t in tensors if n[0] == "e"}
                return torch.func.functional_call(MODEL.encoder, own, both).prod(0).sum()

            averaged = sum(
                weight / 2 * gradient(similarity, start + (node + 1) / 2 * move)
                for node, weight in zip(NODES, WEIGHTS, strict=True)
            )
            influence[number] -= 0.1 / (1 + step) * velocity @ averaged
    return influence.numpy()


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    return record(tmp_path_factory.mktemp("history") / "run.zarr")


@pytest.mark.parametrize("paired", [False, True])
def test_influence_is_that_of_the_oracle_and_complete(recorded, paired):
    model, kernel, batches = recorded
    test, others = inputs(3, seed=5), inputs(3, seed=6)
    method = LabelFreePathKernel(kernel)
    explained = method.explain(test, others if paired else None, keep=("influence",))
    pairs = torch.stack([test, others if paired else test], dim=1)
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
    explained = LabelFreePathKernel(kernel).explain(inputs(2, seed=5), keep=("component",))
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
