"""Networks as they were stored, and stores that are of others."""

import pytest
import torch

from explaind.errors import StoreError
from explaind.models.encoders.registry import build_network
from explaind.pipeline.load_encoder import load_encoder
from explaind.pipeline.train_encoder import restored
from explaind.store import open_sealed
from tests.experiments.trained_encoders import trained


def test_the_network_is_the_one_that_was_stored():
    """D6: in evaluation mode, with the averages that batch norm had at the end."""
    config, paths = trained()
    network = load_encoder(config, paths, "first", 1)
    assert not any(module.training for module in network.modules())
    store = open_sealed(paths.encoder("first", 1))
    state = network.state_dict()
    assert any("running_mean" in name for name in state)
    for name, tensor in state.items():
        assert torch.equal(tensor, torch.from_numpy(store[name].values).reshape(tensor.shape))
    other = load_encoder(config, paths, "first", 0).state_dict()
    assert not all(torch.equal(tensor, other[name]) for name, tensor in state.items())


def test_a_store_of_another_configuration_is_refused():
    config, paths = trained()
    longer = config.encoders["first"].model_copy(update={"epochs": 9})
    other = config.model_copy(update={"encoders": {**config.encoders, "first": longer}})
    with pytest.raises(StoreError, match="train_encoder"):
        load_encoder(other, paths, "first", 0)


def test_weights_of_another_network_are_refused():
    """D35: the published code loaded what fitted and left the rest as it was drawn."""
    config, paths = trained()
    store = open_sealed(paths.encoder("first", 0))
    network = build_network(config.encoders["first"], 10, (1, 12, 12), 0)
    name = next(iter(network.state_dict()))
    with pytest.raises(KeyError, match=name):
        restored(network, store.drop_vars(name))
    wider = config.encoders["first"].model.model_copy(update={"hidden": 16})
    settings = config.encoders["first"].model_copy(update={"model": wider})
    with pytest.raises(RuntimeError, match="invalid for input of size"):
        restored(build_network(settings, 10, (1, 12, 12), 0), store)
