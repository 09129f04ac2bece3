"""The rule `train`: killed at any moment it goes on and ends bit-identical; its metrics table."""

import multiprocessing
import signal
import time

import pandas as pd
import pytest
import torch

from explaind.config.load import load_config
from explaind.errors import RecordingError, StoreError
from explaind.paths import SEAL, Paths
from explaind.pipeline.prepare import prepare_dataset
from explaind.pipeline.train import train
from explaind.store import is_sealed, stored_attributes

STEPS = 210
SMALL = {
    "datasets": {"modulo": {"p": 7}},
    "runs": {
        "grokking": {
            "model": {"width": 8, "heads": 2, "mlp_width": 8},
            "training": {"max_steps": STEPS, "stop_at_accuracy": None, "batch_size": 9},
        }
    },
}
OPTIMIZERS = {
    "adamw": {"kind": "adamw"},
    "amsgrad": {"kind": "adam", "amsgrad": True},
    "momentum": {"kind": "sgd", "momentum": 0.9, "learning_rate": 0.01},
}
ADAMW = OPTIMIZERS["adamw"]
# Forked from a process that has imported all: a kill strikes the training.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["explaind.pipeline.train", "torch._dynamo", __name__])


def config_of(optimizer, **training):
    run = SMALL["runs"]["grokking"]
    section = {**run["training"], "optimizer": optimizer, **training}
    return load_config({**SMALL, "runs": {"grokking": {**run, "training": section}}})


def trained(root, config):
    prepare_dataset(config, Paths(root), "modulo")
    train_in_one_thread(root, config)
    return Paths(root).history("grokking")


def train_in_one_thread(root, config):
    torch.set_num_threads(1)
    train(config, Paths(root), "grokking")


def contents(store):
    """Files of a store; the seal has a digest of the group's attributes, less `made_with`."""
    return {
        str(file.relative_to(store)): file.read_bytes()
        for file in sorted(store.rglob("*"))
        if file.is_file() and file.suffix != ".pt" and file != store / "zarr.json"
    }


def start(root, config):
    process = PROCESSES.Process(target=train_in_one_thread, args=(root, config))
    process.start()
    return process


def wait_for_chunk(store, number, process):
    """Until so many chunks of steps and one more are written."""
    chunk = store / "params" / "c" / str(number) / "0"
    while not chunk.exists() and process.is_alive():
        time.sleep(0.002)


TRIANGULAR = {"max_steps": None, "epochs": STEPS // 3, "schedule": {"kind": "triangular"}}


@pytest.mark.parametrize(
    ("optimizer", "every", "options"),
    [
        pytest.param("amsgrad", 1, {}, marks=pytest.mark.kills),
        pytest.param("momentum", 1, TRIANGULAR, marks=pytest.mark.kills),
        ("amsgrad", 7, {}),
    ],
)
def test_killed_training_ends_bit_identical(tmp_path, optimizer, every, options):
    config = config_of(OPTIMIZERS[optimizer], history={"every": every}, **options)
    expected = contents(trained(tmp_path / "whole", config))
    root = tmp_path / "killed"
    prepare_dataset(config, Paths(root), "modulo")
    store = Paths(root).history("grokking")
    kills = 0
    for number in (0, 1):
        process = start(root, config)
        wait_for_chunk(store, number, process)
        process.kill()
        process.join()
        kills += process.exitcode == -signal.SIGKILL
    assert kills == 2
    assert not is_sealed(store)
    train(config, Paths(root), "grokking")
    found = contents(store)
    assert found.keys() == expected.keys()
    assert [name for name in expected if found[name] != expected[name]] == []


def test_unfinished_store_of_another_config_is_started_anew(tmp_path):
    config = config_of(ADAMW)
    store = trained(tmp_path, config)
    (store / SEAL).unlink()  # as if killed
    other = config_of(ADAMW, seed=1)
    train(other, Paths(tmp_path), "grokking")
    assert stored_attributes(store)["config"]["training"]["seed"] == 1
    assert pd.read_parquet(Paths(tmp_path).metrics("grokking")).attrs["mini_batches"]


def test_stops_at_the_goal_and_logs_the_last_point(tmp_path):
    goal = config_of(ADAMW, stop_at_accuracy=0.05, batch_size=None)
    goal = load_config(
        {**goal.model_dump(), "datasets": {"modulo": {"p": 11, "train_fraction": 0.5}}}
    )
    store = trained(tmp_path, goal)
    steps = stored_attributes(store)["steps"]
    metrics = pd.read_parquet(Paths(tmp_path).metrics("grokking"))
    assert len(metrics) == steps + 1
    assert 0 < steps < STEPS
    assert metrics.attrs == {"units": {"loss": "nat", "accuracy": "1"}, "mini_batches": False}
    last = metrics.iloc[-1]
    assert min(last.train_accuracy, last.validation_accuracy) >= 0.05
    assert metrics.drop(columns=["learning_rate", "weight_decay"]).notna().all(axis=None)


def test_diverging_training_names_the_step_and_leaves_no_sealed_store(tmp_path):
    with pytest.raises(RecordingError, match=r"at step \d+"):
        trained(tmp_path, config_of({"kind": "sgd", "learning_rate": 1e30}))
    assert not is_sealed(Paths(tmp_path).history("grokking"))


def test_dataset_of_another_config_is_refused(tmp_path):
    config = config_of(ADAMW)
    prepare_dataset(config, Paths(tmp_path), "modulo")
    other = load_config({**SMALL, "datasets": {"modulo": {"p": 11}}})
    with pytest.raises(StoreError, match="p is 7, now 11"):
        train(other, Paths(tmp_path), "grokking")
