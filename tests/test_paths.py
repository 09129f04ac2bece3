"""Paths below data/ and results/."""

import inspect
from pathlib import Path

from explaind.paths import Paths, seal


def test_paths_are_those_of_the_documentation():
    paths = Paths("there")
    assert paths.config() == Path("there/results/config.json")
    assert paths.dataset("modulo") == Path("there/data/processed/modulo.zarr")
    assert paths.history("a") == Path("there/results/a/history.zarr")
    assert paths.shard("a", "0-of-2") == Path("there/results/a/epk/0-of-2.zarr")
    assert paths.table("f", "curves") == Path("there/results/figures/tables/f_curves.csv")
    assert seal(paths.influence("a")) == Path("there/results/a/influence.zarr/files/seal.json")


def test_names_may_be_wildcards():
    assert str(Paths().shard("{run}", "{shard}")) == "results/{run}/epk/{shard}.zarr"


def test_no_two_files_share_a_path():
    methods = [
        method
        for name, method in inspect.getmembers(Paths(), inspect.ismethod)
        if not name.startswith("_")
    ]
    names = [inspect.signature(method).parameters for method in methods]
    made = [method(*("n" for _ in needed)) for method, needed in zip(methods, names, strict=True)]
    assert len(methods) > 10
    assert len(set(made)) == len(made)
