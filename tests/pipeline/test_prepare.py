"""The rule `prepare_dataset`."""

import pytest

from explaind.config.load import load_config
from explaind.config.stages import stage_config
from explaind.paths import Paths
from explaind.pipeline.prepare import prepare_dataset
from explaind.store import open_sealed
from tests.data.npz_files import arrays, prepared


def test_equal_arrays_have_equal_checksums(tmp_path):
    sums = [prepared(tmp_path, arrays(), seed=seed).attrs["sha256"] for seed in (0, 1)]
    other = arrays()
    other["x_test"][0, 0, 0, 0] ^= 1
    assert sums[0] == sums[1] != prepared(tmp_path, other).attrs["sha256"]


@pytest.mark.parametrize("settings", [{"kind": "digits", "classes": [3, 7]}, {"p": 5}])
def test_every_source_makes_a_store_with_its_config_and_provenance(tmp_path, settings):
    config = load_config({"datasets": {"mine": settings, "modulo": {}}})
    prepare_dataset(config, Paths(tmp_path), "mine")
    store = open_sealed(Paths(tmp_path).dataset("mine"))
    assert {"x_train", "y_train", "x_validation", "y_validation"} <= set(store)
    assert store.attrs["stage"] == "prepare_dataset"
    assert store.attrs["config"] == stage_config(config, "prepare_dataset", "mine")
    assert len(store.attrs["sha256"]) == 64
    assert store.attrs["provenance"]
