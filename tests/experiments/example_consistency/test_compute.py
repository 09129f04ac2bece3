"""The experiment on the tiny run: rates at their limits, and what is refused."""

import numpy as np
import pandas as pd
import pytest

from explaind.config.load import load_config
from explaind.errors import ConfigError
from explaind.experiments.example_consistency import compute as module
from explaind.experiments.example_consistency.methods import Scored
from explaind.experiments.job import compute_experiment
from explaind.paths import Paths
from explaind.training.encoder import held_out
from tests.experiments.small_encoders import job_of, trained


@pytest.fixture
def table(tiny_run):
    return pd.read_parquet(Paths(tiny_run).experiment("encoders", "example_consistency"))


def test_every_method_ends_at_the_share_of_the_class(table):
    rates = table[table["end"] != "check"]
    assert rates["method"].nunique() == 7
    everything = rates[rates["fraction"] == 1]
    np.testing.assert_allclose(everything["rate"], everything["limit"].iloc[0])
    np.testing.assert_allclose(everything["limit"], everything["limit"].iloc[0])
    most = rates[rates["end"] == "most"]
    assert (most["rate"] <= most["limit"] + 1e-12).all()
    least = rates[rates["end"] == "least"]
    assert (least["rate"] >= least["limit"] - 1e-12).all()


def test_methods_were_solved(table):
    checks = table[table["end"] == "check"].groupby("check")["rate"].max()
    assert checks["path_kernel: completeness"] < 5e-4
    assert checks["influence_functions: largest residual"] < 1e-2
    assert checks["influence_functions: steps"] >= 1


def test_methods_of_the_path_need_one(tiny_run):
    config = load_config(tiny_run / "config" / "config.yaml", tiny_run / "config" / "tiny.yaml")
    settings = config.experiments["example_consistency"]
    unrecorded = settings.model_copy(update={"encoders": ("digits_denoising",)})
    experiments = {**config.experiments, "example_consistency": unrecorded}
    config = config.model_copy(update={"experiments": experiments})
    with pytest.raises(ConfigError, match=r"set encoders\.digits_denoising\.history"):
        compute_experiment(config, Paths(tiny_run), "example_consistency")


def test_samples_are_those_of_the_training_as_the_network_saw_them(tmp_path, monkeypatch):
    """D2, D12, D14: pixels as in training, no noise, none of the test set or held out."""
    job = job_of(
        trained(tmp_path, "autoencoder"),
        tmp_path / "scratch",
        kind="example_consistency",
        encoders="autoencoder",
        methods=["dknn"],
        train_samples=20,
        samples=6,
    )
    cases = []

    def score(_, case, __):
        cases.append(case)
        return Scored(np.zeros((len(case.test[0]), len(case.train[0]))), {})

    monkeypatch.setattr(module, "score", score)
    module.compute(job)
    settings, data = job.config.encoders["autoencoder"], job.data
    fitted, _ = held_out(len(data.x_train), settings.validation, settings.seed)
    seen = {image.numpy().tobytes() for image in data.x_train[fitted]}
    tests = {image.numpy().tobytes() for image in data.x_validation}
    for case in cases:
        assert {image.numpy().tobytes() for image in case.train[0]} <= seen - tests
        assert {image.numpy().tobytes() for image in case.test[0]} <= tests
        assert not case.network.training


def test_methods_of_gradients_explain_series(tmp_path):
    """Path kernel, TracIn and influence functions of an LSTM, which has no layer rule."""
    job = job_of(
        trained(tmp_path, "series"),
        tmp_path / "scratch",
        kind="example_consistency",
        encoders="series",
        methods=["path_kernel", "tracin", "influence_functions"],
        fractions=[0.25],
        train_samples=8,
        samples=3,
        checkpoints=2,
        damping=0.1,
    )
    table = module.compute(job)
    checks = table.dropna(subset="check").set_index("check")["rate"]
    assert checks["path_kernel: completeness"] < 5e-4
    assert checks["influence_functions: largest residual"] < 1e-2
    assert table.loc[table["end"] != "check", "rate"].between(0, 1).all()
