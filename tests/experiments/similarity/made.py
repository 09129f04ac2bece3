"""A similarity store made by hand: vectors whose directions follow waves over the sum."""

import numpy as np
import xarray as xr

from explaind.config.dataset import ModuloDataset
from explaind.config.load import load_config
from explaind.config.stages import stage_config
from explaind.data.modulo import modulo_dataset
from explaind.paths import Paths
from explaind.store import write_store
from tests.report.synthetic import SyntheticRun, write_run

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
    own = np.eye(len(target), dtype=np.float32)  # what a sample shares with none other
    whole = np.stack([grams, 2 * grams + own]).astype(np.float32)
    by_interval = np.stack([whole + (1 + k) * own for k in range(intervals)])
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


def project(root, **sizes):
    """A synthetic run with the result of a similarity experiment; its config and paths."""
    paths = Paths(root)
    config = load_config(
        {
            "datasets": {"modulo": {"p": P}},
            "experiments": {
                "similarity": {"run": "grokking", "page": {"neighbours": 3}},
                "maps": {"run": "grokking", "neighbours": 5},
                "spectrum": {"run": "grokking", "tensors": ["embedding.weight"]},
            },
        }
    )
    write_run(paths, "grokking", SyntheticRun(p=P))
    store, _ = similarity_store(**sizes)
    values = stage_config(config, "similarity", "similarity")
    path = paths.experiment("grokking", "similarity", "zarr")
    write_store(path, store, {**store.attrs, "config": values})
    return config, paths
