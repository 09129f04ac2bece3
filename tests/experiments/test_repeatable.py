"""The same command twice writes the same result, to the bit, whatever was drawn before (D36)."""

from importlib import import_module

import numpy as np
import pandas as pd
import pytest
import torch

from tests.experiments.small_encoders import job_of, trained

FEW = {"samples": 6, "train_samples": 20}
CASES = {
    "feature_consistency": {"encoders": "autoencoder", "samples": 6, "steps": 3},
    "example_consistency": {
        "encoders": "autoencoder",
        "methods": ["simplex", "dknn", "cosine", "gradient_product"],
        **FEW,
    },
    "pretext_examples": {"encoders": ["autoencoder", "classifier"], **FEW},
    "unit_visualisation": {"encoders": "vae", "steps": 3},
    "encoder_and_model": {"encoders": "classifier", "images": 6, "steps": 3},
    "linear_probe": {"encoders": "autoencoder"},
    "roar": {"encoders": "autoencoder", "methods": ["random"], "fractions": [0.2]},
}


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("encoders"), "autoencoder", "classifier", "vae")


@pytest.mark.long
@pytest.mark.parametrize("kind", CASES)
def test_the_same_command_twice_gives_the_same(paths, tmp_path, kind):
    compute, results = import_module(f"explaind.experiments.{kind}.compute").compute, []
    for seed in (1, 2):
        torch.manual_seed(seed)
        np.random.seed(seed)  # noqa: NPY002  what the published methods draw from
        results.append(compute(job_of(paths, tmp_path / str(seed), kind=kind, **CASES[kind])))
    first, second = results
    if isinstance(first, pd.DataFrame):
        pd.testing.assert_frame_equal(first, second, check_exact=True)
    else:
        assert first.identical(second)
