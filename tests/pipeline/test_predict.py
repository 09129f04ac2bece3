"""The rules from text to influence by group: everything adds up, for every language."""

import numpy as np
import pytest

from explaind.config.load import load_config
from explaind.data.load import load_dataset
from explaind.paths import Paths
from explaind.pipeline.accumulate import accumulate_kernel
from explaind.pipeline.plan import plan_epk
from explaind.pipeline.predict import predict_epk
from explaind.pipeline.prepare import prepare_dataset
from explaind.pipeline.train import train
from explaind.pipeline.validate import validate_epk
from explaind.report.sources import read_statistics
from explaind.store import open_sealed

STEPS, LANGUAGES = 5, ["English", "Python", "arithmetic"]
CONFIG = {
    "datasets": {"text": {"kind": "text", "context": 12, "crops": 4}},
    "runs": {
        "small": {
            "dataset": "text",
            "model": {"kind": "gpt", "layers": 1, "width": 8, "heads": 2},
            "training": {
                "loss": "token_cross_entropy",
                "batch_size": 3,
                "max_steps": STEPS,
                "stop_at_accuracy": None,
            },
            "epk": {
                "functional": "mean_logprob",
                "groups": "group",
                "shards": 1,
                "intervals": 2,
                "keep": ["influence", "interval", "top"],
                "precision": "float64",
            },
        }
    },
}


# forward-mode derivatives load torch's own scripted functions
pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit.script:DeprecationWarning")


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """The config, and where all rules have run."""
    config, paths = load_config(CONFIG), Paths(tmp_path_factory.mktemp("text"))
    prepare_dataset(config, paths, "text")
    train(config, paths, "small")
    plan_epk(config, paths, "small", cores=1)
    predict_epk(config, paths, "small", "0/1")
    accumulate_kernel(config, paths, "small")
    validate_epk(config, paths, "small")
    return config, paths


@pytest.fixture(scope="module")
def made(project):
    """The influence store, and the dataset."""
    config, paths = project
    store = open_sealed(paths.influence("small"), rule="accumulate_kernel").load()
    return store, load_dataset(config, paths, "text")


def test_every_language_is_explained_to_a_ten_thousandth_of_its_change(made):
    store, _ = made
    change = store["final_output"] - store["initial_output"]
    parts = store["influence"].sum("group") + store["decay"]
    np.testing.assert_allclose(parts, change, rtol=1e-4)
    assert float(abs(change).min()) > 1e-3


def test_the_validation_rebuilds_what_is_explained(project, made):
    rebuilt, (store, _) = open_sealed(project[1].validation("small")).load(), made
    for name, explained in (("true", "final_output"), ("data", "data"), ("decay", "decay")):
        np.testing.assert_allclose(rebuilt[name], store[explained], rtol=1e-4)  # float32 steps
    statistics = read_statistics(project[1], "small")
    assert (statistics["samples"], statistics["classes"]) == (3, 1)
    assert statistics["relative_error"] < 1e-3


def test_groups_are_the_languages_and_intervals_add_up(made):
    store, data = made
    assert store["group"].values.tolist() == LANGUAGES == sorted(data.groups)
    assert "train" not in store.dims
    total = store["influence_by_interval"].sum(("interval", "component"))
    np.testing.assert_allclose(total, store["influence"], rtol=1e-9)


def test_every_batch_has_one_crop_of_each_language(made):
    _, data = made
    assert data.groups_in_turn == 3
    assert data.labels("group") == LANGUAGES * 4
