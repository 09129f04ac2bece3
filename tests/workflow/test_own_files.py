"""A table, tokens and text from files of one's own, through the whole workflow, named by a config.

Functions of one's own in place of files, and experiments, are tried in `test_own_project.py`.
"""

import json

import numpy as np
import pytest

from explaind.files import write_text
from explaind.paths import Paths
from explaind.store import open_sealed
from tests.forks.run import run_module
from tests.workflow.project import REPOSITORY

MODELS = """
from torch import nn

def table(hidden):
    return nn.Sequential(nn.Linear(3, hidden), nn.Tanh(), nn.Linear(hidden, 1))

def tokens(width):
    return nn.Sequential(nn.Embedding(7, width), nn.Flatten(), nn.Linear(4 * width, 2))
"""
SAMPLES = ("table", "tokens")  # runs that are explained by sample, not by group
TRAINING = {"max_steps": 4, "batch_size": 6, "stop_at_accuracy": None}
ADAM = {"optimizer": {"kind": "adamw", "learning_rate": 0.01}}
CONFIG = {
    "defaults": False,
    "datasets": {
        "table": {"kind": "arrays", "path": "my files/table.npz"},
        "tokens": {"kind": "arrays", "path": "my files/tokens.npz"},
        "text": {
            "kind": "text",
            "path": "my files/texts.jsonl",
            "key": "source",
            "context": 8,
            "crops": 6,
            "held_out_parts": 2,
            "passages": 2,
        },
    },
    "runs": {
        "table": {
            "dataset": "table",
            "model": {"kind": "models:table", "hidden": 4},
            "training": {**TRAINING, "loss": "squared_error"},
            "epk": {"functional": "all"},
        },
        "tokens": {
            "dataset": "tokens",
            "model": {"kind": "models:tokens", "width": 3},
            "training": {**TRAINING, **ADAM, "loss": "cross_entropy"},
        },
        "text": {
            "dataset": "text",
            "model": {"kind": "gpt", "layers": 1, "width": 8, "heads": 2},
            "training": {**TRAINING, **ADAM, "loss": "token_cross_entropy", "batch_size": 2},
            "epk": {
                "functional": "mean_logprob",
                "groups": "group",
                "quadrature": {"tolerance": 5e-4, "max_subintervals": 64},
                "keep": ["influence", "component", "interval", "step_component"],
            },
        },
    },
    "experiments": {
        **{f"{run}_training": {"kind": "training", "run": run} for run in SAMPLES},
        **{f"{run}_validation": {"kind": "epk_validation", "run": run} for run in SAMPLES},
        "languages": {"kind": "language_influence", "run": "text"},
    },
}
SIZES = {"table": (4, 18), "tokens": (4, 18), "text": (2, 2)}
"""Explained samples, and training samples or groups."""

pytestmark = pytest.mark.long


def write_arrays(path, x, y):
    train, test = slice(18), slice(18, None)
    np.savez(path, x_train=x[train], y_train=y[train], x_test=x[test], y_test=y[test])


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("studies") / "my study"
    (folder / "my files").mkdir(parents=True)
    write_text(folder / "models.py", MODELS)
    write_text(folder / "mine.yaml", json.dumps(CONFIG))
    rng = np.random.default_rng(0)
    x, tokens = rng.normal(size=(22, 3)), rng.integers(0, 7, (22, 4))
    write_arrays(folder / "my files/table.npz", x, x[:, :1] - x[:, 1:2])
    write_arrays(folder / "my files/tokens.npz", tokens, (tokens[:, 0] > 3).astype(int))
    lines = [
        json.dumps({"source": source, "part": part, "text": f"{part} {word * 9}"})
        for source, word in (("prose", "the cat sat. "), ("sums", "1 + 2 = 3; "))
        for part in range(4)
    ]
    write_text(folder / "my files/texts.jsonl", "\n".join(lines))
    snakefile = str(REPOSITORY / "workflow" / "Snakefile")
    command = ("snakemake", "--snakefile", snakefile, "--configfile", "mine.yaml", "--cores", "2")
    done = run_module((*command, "--", "all"), folder, REPOSITORY)
    assert done.returncode == 0, done.stdout
    return folder


@pytest.mark.parametrize("run", SIZES)
def test_a_file_of_ones_own_is_trained_on_and_explained(finished, run):
    influence = open_sealed(Paths(finished).influence(run))
    assert influence["influence"].shape[0::2] == SIZES[run]
    assert influence.attrs["completeness_error"] < 1e-4
    explained = influence["influence"].sum(influence["influence"].dims[-1])
    change = influence["final_output"] - influence["initial_output"] - influence["decay"]
    assert abs(change).max() > 1e-4
    assert abs(change - explained - influence["residual"]).max() < 1e-3 * abs(change).max()
    statistics = json.loads(Paths(finished).validation_summary(run).read_text())
    assert statistics["absolute_error_max"] < 1e-3


def test_pages_are_drawn_and_linked(finished):
    index = Paths(finished).index().read_text()
    for page in CONFIG["experiments"]:
        assert f"{page}.html" in index
        assert Paths(finished).figure(page).is_file()
    languages = Paths(finished).figure("languages").read_text()
    assert all(source in languages for source in ("prose", "sums"))
