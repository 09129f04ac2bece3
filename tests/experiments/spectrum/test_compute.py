"""Frequencies of planted matrices, and of a real run against a transform of its weights."""

import numpy as np
import pandas as pd
import pytest

from explaind.config.load import load_config
from explaind.errors import ConfigError
from explaind.experiments.job import Job
from explaind.experiments.spectrum import compute as module
from explaind.experiments.spectrum.compute import compute
from explaind.paths import Paths
from explaind.store import open_sealed
from tests.experiments.similarity.made import WAVE, P, project
from tests.report.synthetic import COMPONENTS

WEIGHTS, SIMILARITY, INFLUENCE = "weights", "similarity", "influence"


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    config, paths = project(tmp_path_factory.mktemp("project"))
    job = Job("spectrum", config.experiments["spectrum"], config, paths, paths.results)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Job, "kernel", NoHistory())  # weights are tried below
        patch.setattr(module, "_weights", lambda *_: ())
        return compute(job)


class NoHistory:
    history = None


def test_planted_frequency_of_similar_samples_is_found(planted):
    rows = planted[(planted["source"] == SIMILARITY) & (planted["component"] == "second")]
    assert set(rows["interval"]) == {0, 1, 2, 3}
    assert len(rows) == 4 * 2 * (P // 2)
    for _, table in rows.groupby(["interval", "functional"]):
        shares = table.set_index("frequency")["share"]
        assert shares.idxmax() == WAVE
        assert shares[WAVE] == pytest.approx(1, abs=1e-5)
        assert table["explained"].to_numpy() == pytest.approx(1, abs=1e-5)
        assert (table.set_index("frequency")["lasso_cosine"] != 0).to_dict() == {
            k: k == WAVE for k in range(1, P // 2 + 1)
        }


def test_planted_frequencies_of_influence_are_found(planted):
    rows = planted[(planted["source"] == INFLUENCE) & (planted["interval"] == 0)]
    for number, component in enumerate(COMPONENTS):
        table = rows[rows["component"] == component].set_index("frequency")
        assert table["share"].idxmax() == 1 + number % (P // 2)
        assert table["share"].max() > 0.8


def test_weights_of_the_rule_are_those_of_a_transform(tiny_run):
    paths = Paths(tiny_run)
    table = pd.read_parquet(paths.experiment("grokking", "spectrum"))
    history = open_sealed(paths.history("grokking"))
    slots = {slot["name"]: slot for slot in history.attrs["tensors"]}
    weights = table[table["source"] == WEIGHTS]
    assert sorted(weights["start"].unique()) == [0, 10, 20, 30]
    assert (weights.loc[weights["interval"] == 0, "start"] == 30).all()
    for (name, point), rows in weights.groupby(["component", "start"]):
        slot = slots[name]
        flat = history["params"].to_numpy()[point, slot["start"] : slot["stop"]]
        numbers = flat.reshape(slot["shape"]).astype(np.float64)[:11]
        power = (np.abs(np.fft.fft(numbers, axis=0)) ** 2).sum(1)[1:6]
        for _, one in rows.groupby("interval"):
            np.testing.assert_allclose(one["share"], power / power.sum(), rtol=1e-9)
    assert set(table["source"]) == {WEIGHTS, SIMILARITY, INFLUENCE}


def test_tensors_without_a_row_for_each_number_are_refused(tiny_run):
    paths = Paths(tiny_run)
    config = load_config(
        paths.config(), {"experiments": {"spectrum": {"tensors": ["linear1.bias", "unknown"]}}}
    )
    job = Job("spectrum", config.experiments["spectrum"], config, paths, tiny_run / "none")
    with pytest.raises(ConfigError, match=r"at least 11 rows, of .*'embedding.weight'.*'unknown'"):
        compute(job)
