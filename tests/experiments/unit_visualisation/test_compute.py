"""Images for units of small encoders."""

import pytest
import torch

from explaind.errors import ConfigError
from explaind.experiments.unit_visualisation.compute import compute
from explaind.experiments.unit_visualisation.page import draw
from explaind.experiments.unit_visualisation.tables import UnitTables, unit_rows
from explaind.store import open_sealed, write_store
from tests.experiments.small_encoders import html_of, job_of, trained

SETTINGS = {"kind": "unit_visualisation", "steps": 20}


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("vaes"), "vae", "tc_vae")


@pytest.fixture(scope="module")
def job(paths, tmp_path_factory):
    encoders = ["vae", "tc_vae"]
    return job_of(paths, tmp_path_factory.mktemp("scratch"), **SETTINGS, encoders=encoders)


@pytest.fixture(scope="module")
def store(job):
    """As it is read from disk, where only names of coordinates are kept."""
    path = job.scratch / "result.zarr"
    write_store(path, compute(job), {"config": {}})
    return open_sealed(path, rule="unit_visualisation").load()


def test_what_is_reached_is_the_unit_of_the_image(store, job):
    encoder = job.network("tc_vae", 0).encoder
    for direction in ("largest", "smallest"):
        own = store.sel(encoder="tc_vae", direction=direction)
        with torch.no_grad():
            values = encoder(torch.from_numpy(own["images"].to_numpy())).diagonal()
        torch.testing.assert_close(values.double(), torch.from_numpy(own["reached"].to_numpy()))


def test_the_largest_is_above_the_smallest(store):
    rows = unit_rows(store)
    assert len(rows) == 2 + 3
    assert (rows["largest"] > rows["smallest"]).all()
    assert (rows["high"] >= rows["low"]).all()


def test_page_shows_both_images_of_every_unit(store):
    html = html_of(draw, UnitTables(unit_rows(store), store["images"]), "unit_visualisation")
    assert html.count("<img") == 2 * 5


def test_a_replicate_that_there_is_not_is_refused(paths, tmp_path):
    job = job_of(paths, tmp_path, **SETTINGS, encoders=["tc_vae"], replicate=1)
    with pytest.raises(ConfigError, match="less than 1, got 1"):
        compute(job)
