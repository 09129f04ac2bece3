"""The path kernel as one attribution method among others."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.optim import AdamW
from torch.utils.data import DataLoader, TensorDataset

import explaind
from explaind.errors import ConfigError, UnsupportedError
from explaind.kernel.attributor import Attributor
from explaind.kernel.query import make_queries
from tests.kernel.engine import SMOOTH, record
from tests.oracles.problems import TEST_SAMPLES, TRAIN_SAMPLES, Problem

PROBLEM = Problem("adamw", lambda model: AdamW(model.parameters(), lr=0.05, weight_decay=0.5))


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    store = tmp_path_factory.mktemp("history") / "run.zarr"
    model = record(PROBLEM, store)
    data = PROBLEM.train_data()
    return explaind.PathKernel(store, model, PROBLEM.loss_fn, data, quadrature=SMOOTH)


def test_scores_are_the_influence_of_all_training_samples(kernel):
    x, y = PROBLEM.test_data()
    method: Attributor = kernel
    assert isinstance(method, Attributor)
    scores = method.scores(x, y)
    assert scores.shape == (TEST_SAMPLES, TRAIN_SAMPLES)
    for found, output in ((scores, "target_logprob"), (kernel.scores(x, y, "margin"), "margin")):
        expected = kernel.explain(x, y, output).influence[:, 0]
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)


def test_scores_of_several_outputs_are_refused(kernel):
    with pytest.raises(ConfigError, match="expected one explained output per sample, got 3"):
        kernel.scores(*PROBLEM.test_data(), "all")


def test_no_samples_are_refused(kernel):
    x, y = PROBLEM.test_data()
    with pytest.raises(ConfigError, match="at least one sample"):
        kernel.explain(x[:0], y[:0])


def squares(output, _):
    return output.square().sum(-1)


@pytest.fixture
def compared(monkeypatch):
    """One entry for each comparison of the kernel's gradients with autograd's."""
    compare, entries = make_queries.check_capture, []
    monkeypatch.setattr(
        make_queries, "check_capture", lambda *given: entries.append(1) or compare(*given)
    )
    return entries


@pytest.mark.parametrize("outputs", ["logit[1]", squares])
def test_gradients_of_an_output_are_compared_once(kernel, compared, outputs):
    first, again = (kernel.explain(*PROBLEM.test_data(), outputs) for _ in range(2))
    assert len(compared) == 1
    assert first.identical(again)
    kernel.explain(*PROBLEM.test_data(), lambda output, _: output[:, 0])
    assert len(compared) == 2


def test_an_output_whose_gradients_were_compared_is_still_refused(kernel, compared):
    centred = False

    def functional(output, targets):
        return squares(output - output.mean(0) if centred else output, targets)

    x, y = PROBLEM.test_data()
    kernel.explain(x, y, functional)
    centred = True
    with pytest.raises(UnsupportedError, match="depends on the other samples"):
        kernel.explain(x, y, functional)
    with pytest.raises(ConfigError, match="shapes cannot be multiplied"):
        kernel.explain(x[:, 1:], y, functional)
    assert len(compared) == 1


@pytest.mark.parametrize(("unit", "expected"), [(None, "1"), ("m2", "m2")])
def test_arrays_carry_the_unit_of_the_functional(kernel, unit, expected):
    def functional(output, targets):
        return squares(output, targets)

    if unit:
        functional.unit = unit
    found = kernel.explain(*PROBLEM.test_data(), functional)
    assert {found[name].units for name in ("influence", "decay", "step_true")} == {expected}
    assert found.subintervals.units == "1"
    assert kernel.explain(*PROBLEM.test_data()).influence.units == "nat"


def test_components_in_place_of_the_recorded_ones(kernel, tmp_path):
    model = record(PROBLEM, tmp_path / "run.zarr")
    options = {"quadrature": SMOOTH, "components": {"first.weight": "front", "first.bias": "front"}}
    data = PROBLEM.train_data()
    other = explaind.PathKernel(tmp_path / "run.zarr", model, PROBLEM.loss_fn, data, **options)
    found, plain = (k.explain(*PROBLEM.test_data()) for k in (other, kernel))
    assert "front" in found.component
    torch.testing.assert_close(
        torch.from_numpy(found.influence.values), torch.from_numpy(plain.influence.values)
    )


def squared_error(output, target):
    return (output - target).square().mean(1)


def encoded(store, drawn):
    """Train an autoencoder on batches of `drawn`, as one whose items have no targets would be."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 2), nn.Tanh(), nn.Linear(2, 4)).double()
    optimizer = AdamW(model.parameters(), lr=0.05)
    with explaind.record(model, optimizer, squared_error, store) as recorder:
        for batch in recorder.batches(drawn):
            optimizer.zero_grad()
            squared_error(model(batch.x), batch.y).mean().backward()
            optimizer.step()
    return model


@pytest.mark.parametrize("items", [list, TensorDataset], ids=["tensors", "tuples of one"])
def test_a_sample_without_a_target_is_its_own(tmp_path, items):
    x = torch.randn(9, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    pairs = DataLoader(TensorDataset(x, x), 3)
    kernel = explaind.PathKernel(
        tmp_path / "pairs.zarr",
        encoded(tmp_path / "pairs.zarr", pairs),
        squared_error,
        pairs,
        quadrature=SMOOTH,
    )
    expected = kernel.explain(x[:2], x[:2], outputs="loss")
    assert abs(expected.influence).min() > 0
    alone = DataLoader(items(x), 3)
    model = encoded(tmp_path / "alone.zarr", alone)
    for data in (alone, alone.dataset, x, x.numpy()):
        kernel = explaind.PathKernel(
            tmp_path / "alone.zarr", model, squared_error, data, quadrature=SMOOTH
        )
        for given in ((x[:2], x[:2]), (TensorDataset(x[:2]),)):
            found = kernel.explain(*given, outputs="loss")
            np.testing.assert_array_equal(found.influence, expected.influence)
