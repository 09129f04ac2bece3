"""The rule `train_encoder`: one replicate of an encoder, trained and stored."""

import numpy as np
import torch
import xarray as xr
from torch import nn

from explaind.config.schema import Config
from explaind.config.stages import stage_config
from explaind.data.load import load_dataset
from explaind.device import resolve_device
from explaind.fingerprint import code_fingerprint
from explaind.paths import Paths
from explaind.provenance import provenance
from explaind.store import MADE_WITH, write_store
from explaind.training.encoder import train_network
from explaind.training.encoder_state import EncoderState


def train_encoder(config: Config, paths: Paths, name: str, replicate: int) -> None:
    """Train one replicate of an encoder and write `results/encoders/{name}/{replicate}.zarr`.

    A call that was stopped is gone on from, and ends with the same bits on a CPU. What is refused
    is that of `load_dataset` and `train_network`.

    Args:
        config: the whole configuration.
        paths: where things lie.
        name: name of the encoder.
        replicate: number of the replicate, from 0.
    """
    settings = config.encoders[name]
    data = load_dataset(config, paths, settings.dataset)
    values, checkpoint = (
        stage_config(config, "train_encoder", name),
        paths.encoder_checkpoint(name, replicate),
    )
    origin = {
        "config": values,
        "code": code_fingerprint(__name__),
        "data": data.sha256,
        "replicate": replicate,
    }
    trained = train_network(
        settings, data, replicate, checkpoint, paths.encoder_path(name, replicate), origin
    )
    device = resolve_device(settings.device)
    attributes = {**origin, "stage": "train_encoder", MADE_WITH: provenance(device)}
    write_store(paths.encoder(name, replicate), _stored(*trained), attributes)
    checkpoint.unlink(missing_ok=True)


def _stored(network: nn.Module, state: EncoderState) -> xr.Dataset:
    """Weights, one array for each tensor, and what was measured after each epoch."""
    weights = {
        name: xr.DataArray(
            np.atleast_1d(tensor.cpu().numpy()),
            dims=[f"{name}_{axis}" for axis in range(max(1, tensor.dim()))],
            attrs={"units": "1", "description": "weights or buffer of the network"},
        )
        for name, tensor in network.state_dict().items()
    }
    curves = {
        name: xr.DataArray(
            np.array(curve),
            dims=["epoch"],
            attrs={"units": "1", "description": "mean loss after each epoch"},
        )
        for name, curve in state.curves.items()
    }
    return xr.Dataset({**weights, **curves})


def restored(network: nn.Module, store: xr.Dataset) -> nn.Module:
    """Return the network with the weights of a store.

    Args:
        network: one of the same shape.
        store: what `train_encoder` wrote.

    Returns:
        The network itself.
    """
    weights = {
        name: torch.from_numpy(store[name].values).reshape(tensor.shape)
        for name, tensor in network.state_dict().items()
    }
    network.load_state_dict(weights)
    return network
