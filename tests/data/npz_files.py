"""Files of images as a user has them, prepared."""

import numpy as np

from explaind.config.load import load_config
from explaind.paths import Paths
from explaind.pipeline.prepare import prepare_dataset
from explaind.store import open_sealed


def arrays(**changes):
    rng = np.random.default_rng(0)
    made = {
        "x_train": rng.integers(0, 256, (12, 5, 4, 3), dtype=np.uint8),
        "y_train": np.arange(12) % 3,
        "x_test": rng.integers(0, 256, (6, 5, 4, 3), dtype=np.uint8),
        "y_test": np.arange(6) % 3,
        "class_names": np.array(["ant", "bee", "cow"]),
    }
    return {name: value for name, value in (made | changes).items() if value is not None}


def config_of(**options):
    settings = {"kind": "npz", "path": "mine.npz", **options}
    return load_config({"datasets": {"mine": settings, "modulo": {}}})


def prepare(root, content, **options):
    np.savez(root / "mine.npz", **content)
    config = config_of(**options)
    prepare_dataset(config, Paths(root), "mine")
    return config


def prepared(root, content, **options):
    prepare(root, content, **options)
    return open_sealed(Paths(root).dataset("mine")).load()
