"""Experiments as jobs: what they are given, where the result goes, and what is left behind."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr

from explaind.config.load import load_config
from explaind.config.stages import stage_config
from explaind.errors import StoreError
from explaind.experiments import job as jobs
from explaind.experiments.job import Job, compute_experiment, compute_part
from explaind.experiments.registry import SPECS
from explaind.experiments.spec import Computed
from explaind.paths import Paths, seal
from explaind.store import open_sealed, write_store

CONFIG = load_config({"experiments": {"mine": {"kind": "pruning", "run": "grokking"}}})
TABLE = pd.DataFrame({"x": [1, 2]})
STORE = xr.Dataset({"x": ("row", np.arange(3.0), {"units": "1", "description": "numbers"})})


@pytest.fixture
def computes(monkeypatch):
    """Replace what is computed for the kind of the experiment `mine`."""

    def set_compute(compute, suffix="parquet", parts=None):
        modules = {"explaind.experiments.pruning.compute": SimpleNamespace(compute=compute)}
        monkeypatch.setattr(jobs, "import_module", modules.__getitem__)
        changed = replace(SPECS["pruning"], computed=Computed((), suffix=suffix, parts=parts))
        monkeypatch.setitem(SPECS, "pruning", changed)

    return set_compute


def files_below(root):
    return [str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()]


def test_a_table_is_written(tmp_path, computes):
    computes(lambda _: TABLE)
    compute_experiment(CONFIG, Paths(tmp_path), "mine")
    assert files_below(tmp_path) == ["results/grokking/experiments/mine.parquet"]
    pd.testing.assert_frame_equal(
        pd.read_parquet(Paths(tmp_path).experiment("grokking", "mine")), TABLE
    )


def test_a_store_is_written_with_the_values_it_depends_on(tmp_path, computes):
    computes(lambda _: STORE, suffix="zarr")
    compute_experiment(CONFIG, Paths(tmp_path), "mine")
    path = Paths(tmp_path).experiment("grokking", "mine", "zarr")
    assert seal(path).exists()
    stored = open_sealed(path, stage_config(CONFIG, "pruning", "mine"))
    np.testing.assert_array_equal(stored["x"], STORE["x"])


def scratch_of(root):
    return root / "results" / "grokking" / "experiments" / ".mine.scratch"


def test_what_a_killed_process_left_is_found_and_gone_after_success(tmp_path, computes):
    found = []

    def compute(job):
        left = job.scratch / "file"
        found.append(left.exists())
        left.write_text("")
        if len(found) < 3:
            raise KeyboardInterrupt  # as a kill: nothing is tidied up
        return TABLE

    computes(compute)
    other = load_config(
        {"experiments": {"mine": {"kind": "pruning", "run": "grokking", "seeds": [8, 9]}}}
    )
    with pytest.raises(KeyboardInterrupt):
        compute_experiment(other, Paths(tmp_path), "mine")
    with pytest.raises(KeyboardInterrupt):  # what was made with other values is not taken
        compute_experiment(CONFIG, Paths(tmp_path), "mine")
    compute_experiment(CONFIG, Paths(tmp_path), "mine")
    assert found == [False, False, True]
    assert files_below(tmp_path) == ["results/grokking/experiments/mine.parquet"]
    assert not scratch_of(tmp_path).exists()


def test_a_failure_leaves_nothing(tmp_path, computes):
    def compute(job):
        (job.scratch / "file").write_text("")
        raise ZeroDivisionError

    computes(compute)
    with pytest.raises(ZeroDivisionError):
        compute_experiment(CONFIG, Paths(tmp_path), "mine")
    assert list((tmp_path / "results" / "grokking" / "experiments").iterdir()) == []


def by_seed(settings):
    """A part for each seed, which needs two."""
    return {f"seed-{seed}": settings.model_copy(update={"seeds": (seed,)}) for seed in (2, 1)}


@pytest.fixture
def in_parts(computes, tmp_path):
    """An experiment in two parts; gives its paths."""
    computes(lambda job: pd.DataFrame({"seed": list(job.settings.seeds)}), parts=by_seed)
    return Paths(tmp_path)


def test_the_table_of_an_experiment_in_parts_is_theirs(in_parts):
    for part in ("seed-1", "seed-2"):
        compute_part(CONFIG, in_parts, "mine", part)
    compute_experiment(CONFIG, in_parts, "mine")
    whole = pd.read_parquet(in_parts.experiment("grokking", "mine"))
    assert whole["seed"].tolist() == [2, 1]  # in the order of the settings
    assert pd.read_parquet(in_parts.part("grokking", "mine", "seed-2"))["seed"].tolist() == [2]
    assert not [name for name in files_below(in_parts.root) if "scratch" in name]


def test_a_missing_part_is_named_with_its_command(in_parts):
    compute_part(CONFIG, in_parts, "mine", "seed-2")
    command = "explaind experiment-part --experiment mine --part seed-1"
    with pytest.raises(StoreError, match=rf"seed-1\.parquet is not readable.*`{command}`"):
        compute_experiment(CONFIG, in_parts, "mine")


def test_parts_of_other_settings_are_not_put_together(in_parts):
    for part in ("seed-1", "seed-2"):
        compute_part(CONFIG, in_parts, "mine", part)
    other = load_config(
        {"experiments": {"mine": {"kind": "pruning", "run": "grokking", "scoring": 0.5}}}
    )
    with pytest.raises(StoreError, match=r"seed-2\.parquet was made with another configuration"):
        compute_experiment(other, in_parts, "mine")


def test_two_at_once_are_refused(tmp_path, computes):
    def compute(job):
        with pytest.raises(StoreError):
            compute_experiment(CONFIG, Paths(tmp_path), "mine")
        return TABLE

    computes(compute)
    compute_experiment(CONFIG, Paths(tmp_path), "mine")


def test_a_job_opens_the_store_of_another_experiment(tmp_path):
    named = {"similar": {"kind": "similarity", "run": "grokking"}}
    config = load_config(
        {"experiments": named | {"maps": {"run": "grokking", "similarity": "similar"}}}
    )
    job = Job("maps", config.experiments["maps"], config, Paths(tmp_path), tmp_path / "none")
    path = job.paths.experiment("grokking", "similar", "zarr")
    with pytest.raises(StoreError, match=r"similar\.zarr does not exist\. Run the rule `sim"):
        job.result("similarity")
    write_store(path, STORE, {"config": stage_config(config, "similarity", "similar")})
    assert job.result("similarity")["x"].values.tolist() == [0, 1, 2]
    write_store(path.with_name("other.zarr"), STORE, {"config": {"experiment": {"samples": 3}}})
    path.rename(path.with_name("gone"))
    path.with_name("other.zarr").rename(path)
    with pytest.raises(StoreError, match="made with another configuration"):
        job.result("similarity")


def test_a_job_opens_what_the_run_left(tiny_run):
    paths = Paths(tiny_run)
    config = load_config(paths.config())
    job = Job("pruning", config.experiments["pruning"], config, paths, tiny_run / "none")
    assert job.run == config.runs["grokking"]
    assert len(job.data.y_train) == 53
    assert job.influence.sizes["train"] == 53
    model, history = job.trained_model(), job.kernel.history
    assert torch.equal(
        history.layout.flatten(dict(model.named_parameters())), history.theta(history.steps)
    )
