"""Killed jobs and bad input: nothing half-made is read, and stores stay as they are."""

import signal

import numpy as np
import pytest

from explaind.paths import Paths, seal
from explaind.store import open_sealed

OF_RUN = ("--config", "results/config.json", "--run", "grokking")

# The process is killed when the store is written but not yet declared complete.
KILLED_BEFORE_THE_SEAL = """
import os, signal, sys
from explaind import store
store.StoreWriter.seal = lambda self: os.kill(os.getpid(), signal.SIGKILL)
from explaind.cli import main
sys.argv = ["explaind", "predict-epk", "--config", "results/config.json", "--run", "grokking",
            "--shard", "1/2"]
main()
"""


@pytest.mark.kills
def test_a_shard_killed_half_way_is_not_read_as_data(project):
    paths = Paths(project.root)
    before = open_sealed(paths.influence("grokking")).load()
    seal(paths.shard("grokking", "1-of-2")).unlink()  # Snakemake does so before the job

    assert project.python("-c", KILLED_BEFORE_THE_SEAL).returncode == -signal.SIGKILL
    assert not seal(paths.shard("grokking", "1-of-2")).exists()
    message = project.explaind("accumulate-kernel", *OF_RUN, fails=True)

    assert "1-of-2.zarr" in message
    assert "predict_epk" in message
    assert "Traceback" not in message
    assert open_sealed(paths.influence("grokking")).equals(before)  # left as it was
    project.snakemake("all", "--until", "accumulate_kernel")
    assert seal(paths.shard("grokking", "1-of-2")).exists()
    after = open_sealed(paths.influence("grokking")).load()
    np.testing.assert_array_equal(after["influence"], before["influence"])


def test_a_mistake_in_the_config_is_explained_before_anything_runs(project):
    message = project.snakemake(
        "--config", "runs={grokking: {epk: {intervls: 3}}}", "--", "all", fails=True
    )
    assert "runs.grokking.epk: unknown key 'intervls', did you mean 'intervals'?" in message
    assert project.planned() == {}


def test_the_reason_of_a_failure_is_shown_and_logged(project):
    seal(Paths(project.root).dataset("modulo")).write_text("{}")

    message = project.snakemake("all", fails=True)

    reason = "Run the rule `prepare_dataset` again."
    assert reason in message
    assert reason in (project.root / "logs" / "train" / "grokking.log").read_text()
