"""Opening what a run left on disk."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from explaind.config.dataset import ModuloDataset
from explaind.errors import StoreError
from explaind.files import write_json
from explaind.paths import Paths
from explaind.report.sources import Sources
from explaind.store import write_store
from tests.report.synthetic import SyntheticRun, write_run


def sources_in(root):
    results = {"noise": ("label_noise", "flipped")}
    return Sources(Paths(root), "page", "small", "modulo", ModuloDataset(p=3), results)


@pytest.fixture
def sources(tmp_path):
    write_run(Paths(tmp_path), "small", SyntheticRun(p=3, steps=8))
    return sources_in(tmp_path)


def test_opens_what_was_written(sources):
    assert len(sources.metrics) == sources.influence.sizes["step"] + 1 == 9
    assert sources.validation.sizes["class"] == sources.statistics["classes"] == 5
    assert sources.influence is sources.influence  # opened once


def test_opens_the_dataset(sources):
    x = xr.Dataset({"x_train": (("train",), np.arange(3), {"units": "1"})})
    write_store(sources.paths.dataset("modulo"), x, {})
    assert sources.data["x_train"].to_numpy().tolist() == [0, 1, 2]


def test_reads_the_result_of_an_experiment_by_its_key(sources):
    path = sources.paths.experiment("small", "flipped")
    path.parent.mkdir(exist_ok=True)
    pd.DataFrame({"seed": [1, 2]}).to_parquet(path)
    assert sources.result("noise")["seed"].tolist() == [1, 2]


def test_opens_the_store_of_an_experiment_by_its_key(sources):
    path = sources.paths.experiment("small", "flipped", "zarr")
    with pytest.raises(StoreError, match=r"flipped.zarr does not exist.*`label_noise`"):
        sources.store("noise")
    write_store(path, xr.Dataset({"x": (("row",), np.arange(3), {"units": "1"})}), {})
    assert sources.store("noise")["x"].to_numpy().tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("broken", "opened", "rule"),
    [
        ("metrics", "metrics", "train"),
        ("validation_summary", "statistics", "validate_epk"),
        ("influence", "influence", "accumulate_kernel"),
        ("validation", "validation", "validate_epk"),
    ],
)
def test_a_missing_part_names_the_rule(sources, broken, opened, rule):
    path = getattr(sources.paths, broken)("small")
    path.rename(path.with_name("elsewhere"))
    with pytest.raises(StoreError, match=f"{path.name}.*`{rule}`"):
        getattr(sources, opened)


def test_what_is_not_asked_for_may_be_missing(sources):
    sources.paths.metrics("small").unlink()
    assert sources.influence.sizes["step"] == 8


def test_a_missing_dataset_or_result_names_the_rule(tmp_path):
    sources = sources_in(tmp_path)
    with pytest.raises(StoreError, match=r"modulo.zarr.*`prepare_dataset`"):
        _ = sources.data
    with pytest.raises(StoreError, match=r"flipped.parquet.*Run the rule `label_noise` again"):
        sources.result("noise")


@pytest.mark.parametrize(
    ("broken", "opened"), [("metrics", "metrics"), ("validation_summary", "statistics")]
)
def test_a_truncated_file_is_refused(sources, broken, opened):
    path = getattr(sources.paths, broken)("small")
    path.write_bytes(path.read_bytes()[:20])
    with pytest.raises(StoreError, match="not readable"):
        getattr(sources, opened)


def test_files_of_an_earlier_version_name_the_rule(sources):
    table = sources.metrics.copy()
    table.attrs.clear()
    table.to_parquet(sources.paths.metrics("small"))
    with pytest.raises(StoreError, match=r"expected mini_batches, units.*Run the rule `train`"):
        _ = sources_in(sources.paths.root).metrics
    numbers = {key: value for key, value in sources.statistics.items() if key != "unit"}
    write_json(sources.paths.validation_summary("small"), numbers)
    with pytest.raises(StoreError, match=r"expected unit.*Run the rule `validate_epk`"):
        _ = sources_in(sources.paths.root).statistics
