"""What the script of the page gets: the matrices, packed, and the orders of the samples."""

import base64

import numpy as np
import pytest

from explaind.experiments.drawing import sources_of
from explaind.experiments.influence_matrices.plots import (
    LEVELS,
    matrix_data,
    matrix_figure,
    range_labels,
)
from explaind.experiments.influence_matrices.tables import read
from explaind.paths import Paths
from explaind.report.plots.heatmap import robust_limit
from tests.report.synthetic import SyntheticRun, write_pages


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    paths = Paths(tmp_path_factory.mktemp("project"))
    config = write_pages(paths, SyntheticRun(p=5, steps=40, intervals=2), ["influence_matrices"])
    name = "influence_matrices"
    return read(sources_of(config, paths, name), config.experiments[name])


def test_packed_matrices_are_those_of_the_tables(tables):
    data = matrix_data(tables)
    values = tables.matrices.to_numpy().reshape(-1, *tables.matrices.shape[-2:])
    levels = np.frombuffer(base64.b64decode(data["values"]), np.int8).reshape(values.shape)
    scale = np.array(data["scale"])[:, None, None]
    unpacked = np.sign(levels) * (levels / LEVELS) ** 2 * scale
    # half a level of the square root
    allowed = scale * (np.sqrt(np.abs(values) / scale) + 0.26 / LEVELS) / LEVELS + 1e-5 * scale
    assert (np.abs(unpacked - values) <= allowed).all()
    assert data["shape"] == list(tables.matrices.shape)
    assert data["limit"] == pytest.approx([robust_limit(matrix) for matrix in values], rel=1e-3)


def test_every_order_holds_every_sample_once_and_sorted(tables):
    for order in matrix_data(tables)["orders"]:
        for split, samples in tables.samples.items():
            found = order[split]
            assert sorted(found["places"]) == list(range(len(samples)))
            assert found["keys"] == sorted(found["keys"])
            assert found["names"] == samples["name"].iloc[found["places"]].tolist()


def test_ranges_are_named(tables):
    assert range_labels(tables.matrices, 2, "application_step") == [
        *("whole run", "steps 0 to 19", "steps 20 to 39"),
        *("step 20 alone (application step)", "step 39 alone (application step)"),
    ]


def test_the_first_matrix_is_drawn_in_the_first_order(tables):
    (trace,) = matrix_figure(tables).data
    order = matrix_data(tables)["orders"][0]
    rows, columns = order["validation"], order["train"]
    expected = tables.matrices[0, 0, 0].to_numpy()[np.ix_(rows["places"], columns["places"])]
    np.testing.assert_array_equal(trace.z, expected)
    assert (list(trace.y), list(trace.x)) == (rows["names"], columns["names"])
    assert trace.zmax == -trace.zmin == pytest.approx(robust_limit(expected))
    assert trace.colorbar.title.text == "influence (nat)"
