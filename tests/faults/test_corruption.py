"""A flipped byte in any store: found by the rule that reads it, named, and made again."""

import numpy as np
import pytest

from explaind.paths import Paths, seal
from explaind.store import open_sealed

OF_RUN = ("--config", "results/config.json", "--run", "grokking")
PAGE = ("--config", "results/config.json")
CASES = {
    "prepare_dataset": (("dataset", "modulo"), "x_train", ("train", *OF_RUN)),
    "train": (("history", "grokking"), "params", ("predict-epk", *OF_RUN, "--shard", "0/2")),
    "predict_epk": (("shard", "grokking", "1-of-2"), "influence", ("accumulate-kernel", *OF_RUN)),
    "accumulate_kernel": (("influence", "grokking"), "step_data", ("page-training", *PAGE)),
    "validate_epk": (("validation", "grokking"), "true", ("page-epk-validation", *PAGE)),
}
"""Rule -> its store, the array that is damaged, and a command that reads it."""


def chunk_of(store, array):
    return min(file for file in (store / array / "c").rglob("*") if file.is_file())


def damage(project, rule):
    """Flip one bit in a store of the project; returns the store and the chunk."""
    (name, *arguments), array, _ = CASES[rule]
    store = getattr(Paths(project.root), name)(*arguments)
    chunk = chunk_of(store, array)
    content = bytearray(chunk.read_bytes())
    content[len(content) // 2] ^= 8
    chunk.write_bytes(content)
    return store, chunk


@pytest.mark.parametrize("rule", CASES)
def test_the_reader_names_the_chunk_and_the_workflow_makes_the_store_again(project, rule):
    store, chunk = damage(project, rule)
    _, array, reader = CASES[rule]

    message = project.explaind(*reader, fails=True)

    local = store.relative_to(project.root)
    assert "error: " in message
    assert f"{local}, array {array}: the chunk " in message
    assert f"{chunk.relative_to(project.root)} is corrupted" in message
    assert f"Run the rule `{rule}` again." in message
    assert "Its seal was withdrawn" in message
    assert "Traceback" not in message
    assert not seal(store).exists()
    assert project.planned()[rule] == 1


def test_two_runs_of_the_workflow_mend_a_damaged_shard(project):
    paths = Paths(project.root)
    before = open_sealed(paths.influence("grokking")).load()
    sealed = seal(paths.shard("grokking", "1-of-2")).read_text()
    _, chunk = damage(project, "predict_epk")
    seal(paths.influence("grokking")).unlink()

    message = project.snakemake("all", "--until", "accumulate_kernel", fails=True)
    assert f"{chunk.relative_to(project.root)} is corrupted" in message
    project.snakemake("all", "--until", "accumulate_kernel")

    assert seal(paths.shard("grokking", "1-of-2")).read_text() == sealed
    after = open_sealed(paths.influence("grokking")).load()
    np.testing.assert_array_equal(after["influence"], before["influence"])
