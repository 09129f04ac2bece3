"""Two encoders of different tasks, trained in seconds, and what is computed of them."""

import functools
import tempfile

from explaind.config.load import load_config
from explaind.experiments.job import compute_experiment
from explaind.paths import Paths
from explaind.pipeline.prepare import prepare_dataset
from explaind.pipeline.train_encoder import train_encoder

MODEL = {"channels": [2, 3, 4], "hidden": 8}
SHARED = {"dataset": "images", "model": MODEL, "epochs": 1, "replicates": 2, "device": "cpu"}
CASE = {
    "defaults": False,
    "datasets": {
        "images": {"kind": "digits", "resize": 12, "train_samples": 40, "validation_samples": 20}
    },
    "runs": {},
    "encoders": {
        "first": SHARED,
        "second": {**SHARED, "seed": 1, "pretext": {"kind": "classification"}},
    },
    "experiments": {
        "pretext_features": {
            "encoders": ["first", "second"],
            "samples": 8,
            "steps": 3,
            "shown": 2,
        },
        "pretext_examples": {
            "encoders": ["first", "second"],
            "samples": 8,
            "train_samples": 20,
            "shown": 2,
        },
    },
}


@functools.cache
def trained():
    """Config and paths of the trained encoders."""
    config = load_config(CASE)
    folder = tempfile.mkdtemp()
    paths = Paths(folder)
    prepare_dataset(config, paths, "images")
    for name, encoder in config.encoders.items():
        for replicate in range(encoder.replicates):
            train_encoder(config, paths, name, replicate)
    return config, paths


@functools.cache
def computed(name):
    """The same, with the result of an experiment."""
    config, paths = trained()
    compute_experiment(config, paths, name)
    return config, paths
