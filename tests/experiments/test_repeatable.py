"""The same command twice writes the same files, to the byte, whatever was drawn before."""

import numpy as np
import pytest
import torch

from explaind.config.schema import Config
from explaind.experiments.drawing import draw_page
from explaind.experiments.job import compute_experiment, compute_part
from tests.experiments.small_encoders import CASE, trained

FEW = {"samples": 6, "train_samples": 20}
TASKS = ["autoencoder", "classifier"]
EXPERIMENTS = {
    "feature_consistency": {"encoders": "autoencoder", "samples": 6, "steps": 3},
    "example_consistency": {
        "encoders": "autoencoder",
        "methods": ["simplex", "dknn", "cosine", "gradient_product", "influence_functions"],
        "damping": 0.05,
        **FEW,
    },
    "pretext_features": {"encoders": TASKS, "samples": 6, "steps": 3, "shown": 2},
    "pretext_examples": {"encoders": TASKS, "shown": 2, **FEW},
    "disentanglement": {"encoders": "vae", "images": 6, "steps": 3, "shown": 2},
    "unit_visualisation": {"encoders": "vae", "steps": 3},
    "encoder_and_model": {"encoders": "classifier", "images": 6, "steps": 3},
    "linear_probe": {"encoders": "autoencoder"},
    "roar": {"encoders": "autoencoder", "methods": ["random"], "fractions": [0.2]},
}
CONFIG = Config.model_validate({**CASE, "experiments": EXPERIMENTS})


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("encoders"), *TASKS, "vae")


def files_of(paths, name):
    """Compute an experiment, draw its page and return what its files contain by their name."""
    for part in CONFIG.parts(name):
        compute_part(CONFIG, paths, name, part)
    compute_experiment(CONFIG, paths, name)
    draw_page(CONFIG, paths, name)
    tables = paths.figures().glob(f"tables/{name}_*")
    table = paths.experiment("encoders", name)
    files = [paths.figure(name), *tables, *([table] if table.is_file() else [])]
    return {file.name: file.read_bytes() for file in files}


@pytest.mark.long
@pytest.mark.parametrize("name", EXPERIMENTS)
def test_the_same_command_twice_writes_the_same_bytes(paths, name):
    """D21, D36: nothing is appended, and no draw depends on what was drawn before."""
    results = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        np.random.seed(seed)  # noqa: NPY002  what the published methods draw from
        results.append(files_of(paths, name))
    assert len(results[0]) > 1
    assert results[0] == results[1]
