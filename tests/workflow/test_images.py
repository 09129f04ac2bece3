"""Datasets that are the user's, and a run on images, through Snakemake."""

import json

import numpy as np
import pytest
import yaml

from explaind.paths import Paths
from explaind.store import open_sealed

MINE = {
    "datasets": {"mine": {"kind": "npz", "path": "mine.npz"}},
    "runs": {
        "mine": {
            "dataset": "mine",
            "model": {"kind": "resnet9", "width": 2},
            "training": {
                "optimizer": {"kind": "sgd", "momentum": 0.9},
                "batch_size": 5,
                "max_steps": None,
                "epochs": 2,
                "schedule": {"kind": "triangular", "peak_epoch": 1},
                "stop_at_accuracy": None,
                "augmentation": "horizontal_flip",
                "history": {"every": 2},
            },
            "epk": {"intervals": 2},
        }
    },
    "experiments": {
        "mine_training": {"kind": "training", "run": "mine"},
        "mine_epk_validation": {"kind": "epk_validation", "run": "mine"},
    },
}


def write_images(path, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 256, (18, 12, 11), dtype=np.uint8)
    y = np.arange(18) % 2
    np.savez(path, x_train=x[:12], y_train=y[:12], x_test=x[12:], y_test=y[12:])


def given(project):
    (project.root / "mine.yaml").write_text(yaml.safe_dump(MINE))
    return ("--configfile", "config/tiny.yaml", "mine.yaml")


@pytest.mark.long
def test_a_run_on_ones_own_images(project):
    """Beside the other run, from the file to the pages; a changed file makes it anew."""
    options = given(project)
    write_images(project.root / "mine.npz")

    project.snakemake(*options, "--", "all")

    paths = Paths(project.root)
    assert project.planned(*options) == {}
    found = open_sealed(paths.influence("mine"))
    assert dict(found.sizes)["train"] == 12
    parts = found.initial_output + found.influence.sum("train") + found.decay + found.residual
    np.testing.assert_allclose(parts, found.final_output, atol=1e-4)
    assert json.loads(paths.validation_summary("mine").read_text())["samples"] == 6
    index = paths.index().read_text()
    for name in (*MINE["experiments"], "grokking", "training", "epk_validation"):
        assert paths.figure(name).is_file()
        assert f'href="figures/{name}.html"' in index
    page = paths.figure("mine_training").read_text()
    assert 'href="mine_epk_validation.html"' in page
    assert 'href="grokking.html"' not in page  # of another run

    write_images(project.root / "mine.npz", seed=1)
    planned = project.planned(*options)
    assert planned["prepare_dataset"] == planned["train"] == 1
    assert "page_grokking" not in planned


def test_a_missing_file_is_named_before_anything_runs(project):
    message = project.snakemake(*given(project), "--", "all", fails=True)
    assert "Missing input files for rule prepare_dataset" in message
    assert "mine.npz" in message


def test_a_wrong_file_leaves_nothing_and_is_explained(project):
    (project.root / "mine.npz").write_bytes(b"not a zip file")
    message = project.snakemake(*given(project), "--", "all", fails=True)
    assert "datasets.mine: mine.npz: expected an .npz file of plain arrays" in message
    left = list((project.root / "data" / "processed").glob("*mine*"))
    assert left == []
