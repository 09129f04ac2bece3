"""A language model of transformers on byte pairs, through the rules of the workflow."""

import numpy as np
import pytest
import yaml

from explaind.config.load import load_config
from explaind.data.load import load_dataset
from explaind.errors import ConfigError
from explaind.experiments.drawing import draw_page
from explaind.experiments.job import compute_experiment
from explaind.models.causal import causal_model
from explaind.paths import Paths
from explaind.pipeline.accumulate import accumulate_kernel
from explaind.pipeline.load_kernel import load_kernel
from explaind.pipeline.plan import plan_epk
from explaind.pipeline.predict import predict_epk
from explaind.pipeline.prepare import prepare_dataset
from explaind.pipeline.train import train
from explaind.pipeline.validate import validate_epk
from explaind.store import open_sealed
from tests.documents import blocks
from tests.requirements import library

library("transformers")
library("tokenizers")

pytestmark = pytest.mark.filterwarnings("ignore")  # of the libraries, about themselves

SHOWN = next(b.text for b in blocks("docs/huggingface.md") if b.language == "yaml")
SMALL = {
    "datasets": {
        "text": {"context": 8, "crops": 4, "held_out_parts": 2, "passages": 2, "byte_pairs": 280}
    },
    "runs": {
        "gpt2": {
            "model": {"vocab_size": 280, "n_positions": 8, "n_embd": 8, "n_layer": 1, "n_head": 2},
            "training": {"batch_size": 3, "max_steps": 4},
            "epk": {
                "shards": 1,
                "intervals": 2,
                "keep": ["influence", "interval"],
                "precision": "float64",
            },
        }
    },
    "experiments": {
        "passages": {"languages": ["English"], "top": 1},
        "languages": {"kind": "language_influence", "run": "gpt2"},
    },
}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """The config, and where all rules have run."""
    config = load_config(yaml.safe_load(SHOWN), SMALL)
    paths = Paths(tmp_path_factory.mktemp("gpt2"))
    prepare_dataset(config, paths, "text")
    train(config, paths, "gpt2")
    plan_epk(config, paths, "gpt2", cores=1)
    predict_epk(config, paths, "gpt2", "0/1")
    accumulate_kernel(config, paths, "gpt2")
    validate_epk(config, paths, "gpt2")
    return config, paths


def test_every_language_is_explained_to_a_ten_thousandth_of_its_change(project):
    store = open_sealed(project[1].influence("gpt2")).load()
    change = store["final_output"] - store["initial_output"]
    parts = store["influence"].sum("group") + store["decay"]
    np.testing.assert_allclose(parts, change, rtol=1e-4)
    assert float(abs(change).min()) > 1e-3


def test_tokens_of_a_passage_are_pieces_of_the_text_and_add_up(project):
    config, paths = project
    compute_experiment(config, paths, "passages")
    store = open_sealed(paths.experiment("gpt2", "passages", "zarr")).load()
    data = load_dataset(config, paths, "text")
    x, y = data.x_validation[:1, :1], data.y_validation[:1, :1]
    kernel = load_kernel(config, paths, "gpt2").kernel
    whole = kernel.explain(x, y, "mean_logprob", keep=["influence"])["influence"][0, 0]
    np.testing.assert_allclose(store["influence"][0], whole, rtol=1e-5, atol=1e-9)
    strongest = int(store["train_index"][0, 0, 0])
    assert strongest == int(whole.argmax())


def test_the_page_about_languages_names_its_layers(project):
    config, paths = project
    components = ["embedding", "layer 1 norms", "layer 1 attention", "layer 1 MLP", "output"]
    store = open_sealed(paths.influence("gpt2"))
    assert store["component"].to_numpy().tolist() == components
    draw_page(config, paths, "languages")
    html = paths.figure("languages").read_text(encoding="utf-8")
    assert "all MLP from" in html


def test_the_dataset_has_the_tokens_asked_for(project):
    store = open_sealed(project[1].dataset("text")).load()
    assert len(store.attrs["vocabulary"]) == store.attrs["classes"] == 280
    assert int(store["x_train"].max()) > 255  # pairs are used


def test_what_is_no_model_of_transformers_is_named():
    with pytest.raises(ConfigError, match="expected a model of transformers"):
        causal_model("torch.nn:Linear", n_layer=1)
