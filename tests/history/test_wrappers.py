"""Modules in wrappers are explained as what they hold; others are refused."""

import copy
import logging
import sys

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import prune
from torch.optim.swa_utils import AveragedModel

import explaind
from explaind.errors import ConfigError, UnsupportedError
from explaind.history.wrappers import computed_tensors, unwrapped
from tests.history.training_loop import SGD
from tests.kernel.engine import SMOOTH, record
from tests.oracles.smooth_models import Mlp
from tests.support.training import Case, assert_right, explained, oracle, recorded


class Holding(nn.Module):
    """A module around another one."""

    def __init__(self, inner):
        super().__init__()
        self.network = inner

    def forward(self, x):
        return self.network(x)


def compiled(model):
    return torch.compile(model, backend="eager")


def compiled_in_place(model):
    model.compile(backend="eager")
    return model


def compiled_inside(model):
    model.first = torch.compile(model.first, backend="eager")
    return model


WRAPPERS = {
    "compiled": compiled,
    "compiled in place": compiled_in_place,
    "compiled inside": compiled_inside,
    "parallel": nn.DataParallel,
    "average of parallel": lambda model: AveragedModel(nn.DataParallel(model)),
    "around": Holding,
}


@pytest.fixture(autouse=True)
def _on_the_cpu(monkeypatch):
    """`DataParallel` looks for devices, and finds the simulated one of other tests."""
    monkeypatch.setattr(
        sys.modules[nn.DataParallel.__module__], "_get_available_device_type", lambda: None
    )


def influence_of(store, model):
    data = SGD.train_data()
    kernel = explaind.PathKernel(store, model, SGD.loss_fn, data, quadrature=SMOOTH)
    return kernel.explain(*SGD.test_data()).influence.values


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    store = tmp_path_factory.mktemp("plain") / "run.zarr"
    return influence_of(store, record(SGD, store))


def recorded_with(wrap, store):
    """The plain module and the wrapper that was trained."""
    model = SGD.model()
    wrapped = wrap(model)
    record(SGD, store, model=wrapped, optimizer=SGD.optimizer(model))
    return SGD.model(), wrapped


RECORDED = [
    # One compiled wrapper is enough where time is short: a compiler runs for seconds.
    pytest.param(name, marks=pytest.mark.long if name in ("compiled", "compiled in place") else ())
    for name in WRAPPERS
    if "average" not in name
]


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_in_a_wrapper(name, store, expected):
    for module in recorded_with(WRAPPERS[name], store):
        found = influence_of(store, module)
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("every", [1, 2])
@pytest.mark.parametrize("name", ["parallel", "average of parallel", "around"])
def test_explained_in_a_wrapper(name, every, store, expected):
    model = record(SGD, store, every=every)
    found = influence_of(store, WRAPPERS[name](model))
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-15)


def test_a_compiled_module_has_no_checkpointed_history(store):
    model = compiled(SGD.model())
    with pytest.raises(UnsupportedError, match=r"every=2: .* compiled"):
        explaind.record(model, SGD.optimizer(model), SGD.loss_fn, store, every=2)


def test_a_module_that_only_looks_like_a_wrapper_is_left_alone():
    model = Holding(Mlp())
    model.module = nn.Linear(2, 2)
    assert unwrapped(model) is model


def test_another_shape_is_refused(store):
    model = record(SGD, store)
    model.last = nn.Linear(5, 4)
    with pytest.raises(ConfigError, match=r"'last.weight' has shape \(4, 5\), expected \(3, 5\)"):
        influence_of(store, model)


def test_parameters_that_were_not_recorded_are_refused(store):
    model = record(SGD, store)
    model.extra = nn.Linear(2, 2)
    with pytest.raises(ConfigError, match=r"not recorded: \['extra.bias', 'extra.weight'\]"):
        influence_of(store, model)
    with pytest.raises(ConfigError, match=r"Missing: \['first.bias', .* and 3 more"):
        influence_of(store, nn.Sequential(nn.Linear(2, 2)))


def test_other_values_are_told_but_not_explained(store, expected, caplog):
    model = record(SGD, store)
    with caplog.at_level(logging.INFO, logger="explaind.kernel.checks.run"):
        influence_of(store, model)
        influence_of(store, SGD.model())  # as it was before the training
        assert caplog.text == ""
        with torch.no_grad():
            model.last.weight += 1.0
        found = influence_of(store, model)
    assert "the module has other values than at the end of the recorded training" in caplog.text
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-15)


def test_a_layer_that_computes_its_weight_is_copied():
    layer, x = prune.random_unstructured(nn.Linear(3, 3), "weight", 0.4), torch.randn(2, 3)
    expected = layer(x)
    copied = copy.deepcopy(layer, computed_tensors(layer))
    torch.testing.assert_close(copied(x), expected)
    with torch.no_grad():
        copied.weight_orig.zero_()
    torch.testing.assert_close(copied(x), layer.bias.expand(2, 3))
    torch.testing.assert_close(layer(x), expected)


def test_a_pruned_model_is_explained_from_a_checkpointed_history(tmp_path):
    case = Case(layers=("pruned weights (`nn.utils.prune`)",), every=2)
    training = recorded(case, tmp_path / "run.zarr")
    assert_right(explained(training, tmp_path / "run.zarr"), *oracle(case))
