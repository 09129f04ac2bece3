"""A similarity store made by hand: vectors whose directions follow waves over the sum."""

import numpy as np
import xarray as xr

from explaind.config.dataset import ModuloDataset
from explaind.data.modulo import modulo_dataset
from explaind.store import write_store

TENSORS = [
    {"name": "first.weight", "component": "first"},
    {"name": "first.bias", "component": "first"},
    {"name": "second.weight", "component": "second"},
]
P, WAVE = 11, 3  # the modulus, and the frequency of the vectors through `second`


def similarity_store(validation=9, train=10, intervals=3, p=P):
    """The store of samples of modular addition, and the dataset."""
    data = modulo_dataset(ModuloDataset(p=p))
    index = np.concatenate([np.arange(validation), np.arange(train)])
    training = np.repeat([0, 1], [validation, train]).astype(np.uint8)
    target = np.concatenate([data["y_validation"][:validation], data["y_train"][:train]])
    random, angle = np.random.default_rng(0), 2 * np.pi * WAVE * target / p
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    noise = random.standard_normal((len(target), 5))
    grams = np.stack([noise @ noise.T, np.ones((len(target),) * 2), circle @ circle.T])
    whole = np.stack([grams, 2 * grams]).astype(np.float32)
    by_interval = np.stack([(1 + k) * whole for k in range(intervals)])
    bounds = np.linspace(0, 60, intervals + 1).astype(int)
    arrays = {
        "gram": (("functional", "tensor", "sample", "other"), whole),
        "gram_by_interval": (("interval", "functional", "tensor", "sample", "other"), by_interval),
        "data": (("functional", "sample"), noise[:, :2].T.copy()),
        "training": (("sample",), training),
        "index": (("sample",), index),
        "target": (("sample",), target),
        "interval_start": (("interval",), bounds[:-1]),
        "interval_stop": (("interval",), bounds[1:]),
    }
    store = xr.Dataset(
        {name: (dims, values, {"units": "1"}) for name, (dims, values) in arrays.items()},
        coords={
            "functional": ["output_sum", "target_logprob"],
            "tensor": [tensor["name"] for tensor in TENSORS],
        },
        attrs={"tensors": TENSORS},
    )
    return store, data


def write_similarity(paths, run="grokking", name="similarity", config=None, **sizes):
    """Write the store of an experiment on a run."""
    store, _ = similarity_store(**sizes)
    path = paths.experiment(run, name, "zarr")
    write_store(path, store, {**store.attrs, "config": config or {}})
    return store
